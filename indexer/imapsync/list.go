package imapsync

import (
	"fmt"
	"strconv"
	"strings"
)

// status is the part of STATUS or EXAMINE that tells whether a folder changed;
// 0 is unknown.
type status struct {
	uidValidity, uidNext uint32
	exists               uint32
	hasExists            bool
	modSeq               uint64
	id                   string // MAILBOXID, "" unknown
}

// list returns the folders in the server's order and, if the server gives it
// along with them, the status of each by name.
func (s *session) list() ([]FolderInfo, map[string]status, error) {
	var args []arg
	args = append(args, arg{text: `"" "*"`})
	var ret []string
	if s.caps["SPECIAL-USE"] {
		ret = append(ret, "SPECIAL-USE")
	}
	if s.caps["LIST-STATUS"] && s.condstore() {
		ret = append(ret, "STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")
	}
	if len(ret) > 0 && (s.caps["LIST-EXTENDED"] || s.caps["LIST-STATUS"]) {
		args = append(args, arg{text: "RETURN (" + strings.Join(ret, " ") + ")"})
	}
	var folders []FolderInfo
	seen := map[string]bool{}
	stats := map[string]status{}
	each := func(r response) error {
		switch r.word() {
		case "LIST":
			f, ok := readList(r.after())
			if ok && !seen[f.Name] {
				seen[f.Name] = true
				folders = append(folders, f)
			}
		case "STATUS":
			if name, st, ok := readStatus(r.after()); ok {
				stats[name] = st
			}
		}
		return nil
	}
	c, err := s.command("LIST", each, args...)
	if err == nil && c.status != "OK" && len(args) > 1 {
		folders, seen = nil, map[string]bool{}
		c, err = s.command("LIST", each, args[0])
	}
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	nameUses(folders)
	return folders, stats, err
}

// refusal is a tagged NO or BAD.
type refusal struct{ c condition }

func (r *refusal) Error() string {
	if r.c.code != "" {
		return fmt.Sprintf("%s [%s] %s", r.c.status, r.c.code, r.c.text)
	}
	return r.c.status + " " + r.c.text
}

// readList reads what follows "* LIST". A line that is no LIST response is
// passed over: one odd folder must not hide the others.
func readList(b []byte) (FolderInfo, bool) {
	v, _ := readValues(b)
	if len(v) < 3 || !v[0].isList || v[2].isList || v[2].isNil() {
		return FolderInfo{}, false
	}
	f := FolderInfo{Name: v[2].s}
	if !v[1].isNil() {
		f.Delim = v[1].s
	}
	for _, a := range v[0].list {
		f.Attrs = append(f.Attrs, a.s)
	}
	// RFC 9051 section 5.1: INBOX in any case is the same folder.
	if strings.EqualFold(f.Name, "INBOX") {
		f.Name = "INBOX"
	}
	f.Display, _ = displayName(f.Name)
	return f, true
}

func readStatus(b []byte) (name string, st status, ok bool) {
	v, _ := readValues(b)
	if len(v) < 2 || v[0].isList || !v[1].isList {
		return "", st, false
	}
	name = v[0].s
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	items := v[1].list
	for i := 0; i+1 < len(items); i += 2 {
		n, _ := strconv.ParseUint(items[i+1].s, 10, 64)
		switch strings.ToUpper(items[i].s) {
		case "MESSAGES":
			st.exists, st.hasExists = uint32(n), true
		case "UIDNEXT":
			st.uidNext = uint32(n)
		case "UIDVALIDITY":
			st.uidValidity = uint32(n)
		case "HIGHESTMODSEQ":
			st.modSeq = n
		}
	}
	return name, st, true
}

func (s *session) status(name string) (status, error) {
	var st status
	c, err := s.command("STATUS", func(r response) error {
		// One STATUS is in flight, so the answer is the answer, even when the
		// server spells the name in another way.
		if r.word() == "STATUS" {
			if _, got, ok := readStatus(r.after()); ok {
				st = got
			}
		}
		return nil
	}, astring(name), arg{text: "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return st, err
}
