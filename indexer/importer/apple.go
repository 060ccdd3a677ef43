package importer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// emlxLength reads the first line of Apple Mail's .emlx: the length of the message
// that follows it.
func emlxLength(head []byte) (n int64, rest []byte, ok bool) {
	line, rest, found := bytes.Cut(head[:min(len(head), 32)], []byte("\n"))
	if !found {
		return 0, nil, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 10, 64)
	return n, head[len(head[:min(len(head), 32)])-len(rest):], err == nil && n > 0
}

// maxPlist is how much of the property list behind a message is looked at.
const maxPlist = 1 << 20

// emlx imports a message of Apple Mail, whose octets are the original's.
func (r *run) emlx(p place, br *bufio.Reader) error {
	line, err := br.ReadString('\n')
	n, perr := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil || perr != nil {
		r.cannotRead(fmt.Errorf("reading %q: no length in its first line", p.path))
		return nil
	}
	body := &io.LimitedReader{R: br, N: n}
	taken, err := r.message(body, Item{Folder: appleFolder(p), Path: p.path}, func(it *Item) {
		list, _ := io.ReadAll(io.LimitReader(br, maxPlist)) // without it the message has no flags
		it.Flags = emlxFlags(list)
	})
	if err != nil || !taken {
		return err
	}
	switch {
	case body.N > 0:
		r.skip(p.path, fmt.Sprintf("imported, but %d octets of it are missing: the file is cut short", body.N))
	case strings.HasSuffix(strings.ToLower(p.path), ".partial.emlx"):
		r.skip(p.path, "imported without its attachments, which Apple Mail keeps apart: export the mailbox from Mail to have them in it")
	}
	return nil
}

var plistFlags = regexp.MustCompile(`(?s)<key>flags</key>\s*<integer>(\d+)</integer>`)

// emlxFlags reads the flags of the property list behind a message.
func emlxFlags(list []byte) []string {
	m := plistFlags.FindSubmatch(list)
	if m == nil {
		return nil
	}
	bits, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range []struct {
		bit  int
		flag string
	}{{0, `\Seen`}, {1, `\Deleted`}, {2, `\Answered`}, {4, `\Flagged`}, {6, `\Draft`}, {8, "$Forwarded"}} {
		if bits&(1<<f.bit) != 0 {
			out = append(out, f.flag)
		}
	}
	return out
}

var uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// appleDirs takes out of a path what Apple Mail puts between a folder and its
// messages: "INBOX.mbox/<uuid>/Data/3/1/Messages".
func appleDirs(dirs []string) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(d string) bool {
		_, err := strconv.Atoi(d)
		return uuid.MatchString(d) || d == "Data" || d == "Messages" || err == nil && len(d) == 1
	})
}

// appleFolder names the folder of a message that lies in a folder of the disk.
func appleFolder(p place) string {
	return strings.Join(appleDirs(strings.Split(p.loose, "/")), "/")
}
