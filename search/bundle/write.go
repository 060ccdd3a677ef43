package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"inwriting/indexer/message"
)

//go:embed files
var files embed.FS

const tagManifest = "tagmanifest-sha256.txt"

// Write writes the bundle as a zip to w. Messages are streamed: one of 150 MB is
// never in memory. Everything that Verify will look at is checked first or on the
// way; where it does not hold, the error is ErrUnsound and what was written is
// not a bundle. Before a byte is written, ErrHeld asks for decisions.
func Write(w io.Writer, in Input) (Summary, error) {
	b, err := prepare(in)
	if err == nil {
		err = b.write(w)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("writing bundle: %w", err)
	}
	return b.sum, nil
}

func (b *bag) write(w io.Writer) error {
	b.p = newPacker(w, b.sum.Root, b.time)
	if len(b.redact) > 0 {
		b.p.watch = b.watcher()
	}
	for i, x := range b.exhibits {
		b.tell("messages", i, len(b.exhibits))
		if err := b.original(x); err != nil {
			return err
		}
		if err := b.add("data/text/"+x.name+".txt", []byte(x.Text)); err != nil {
			return err
		}
	}
	for _, x := range b.outside {
		e, err := b.p.create(x.path(), quick, zip.Deflate)
		if err != nil {
			return err
		}
		if err := copyExhibit(e, x); err != nil {
			return fmt.Errorf("%s: %w", x.path(), err)
		}
	}
	for _, step := range []func() error{b.printed, b.tables, b.tags} {
		if err := step(); err != nil {
			return err
		}
		if b.leak != nil {
			return b.leak
		}
	}
	return b.p.z.Close()
}

// add writes a whole file, through the gate.
func (b *bag) add(path string, data []byte) error {
	b.gate(path, path+"\n"+string(data))
	return b.p.add(path, data)
}

func (b *bag) addJSON(path string, v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return b.add(path, buf.Bytes())
}

// watcher puts what streams by through the gate, with what a word may have been cut
// by.
func (b *bag) watcher() func(path string, data []byte) {
	var tail []byte
	var last string
	return func(path string, data []byte) {
		if path != last {
			tail, last = tail[:0], path
		}
		if strings.HasPrefix(path, "data/eml/") || strings.HasPrefix(path, "data/attachments/") || strings.HasPrefix(path, "data/outside/") {
			tail = append(tail, data...)
			b.gate(path, string(tail))
			tail = append(tail[:0], tail[max(0, len(tail)-overlap):]...)
		}
	}
}

// original writes the octets of a message and its attachments.
func (b *bag) original(x *exhibit) error {
	if x.redacted {
		b.sum.Redacted++
		return b.attachments(x)
	}
	b.sum.Originals++
	level := tight
	if x.size > 1<<20 {
		level = quick
	}
	e, err := b.p.create("data/eml/"+x.name+".eml", level, zip.Deflate)
	if err != nil {
		return err
	}
	if err := copyExhibit(e, x); err != nil {
		return fmt.Errorf("%s: %w", e.path, err)
	}
	return b.attachments(x)
}

// attachments writes the decoded attachments of a message beside each other, in the
// order of the message.
func (b *bag) attachments(x *exhibit) error {
	if len(x.files) == 0 {
		return nil
	}
	dir := "data/attachments/" + x.name + "/"
	byNumber := map[string]*attached{}
	for i := range x.files {
		if a := &x.files[i]; a.file != "" && byNumber[a.Number] == nil {
			byNumber[a.Number] = a
		}
	}
	var failed error
	var open *entry
	end := func() {
		if open != nil {
			open.done()
		}
		open = nil
	}
	kept := map[string]digest{}
	inner := map[string]*bytes.Buffer{} // nested messages: their own leaves come before they end
	r, _, err := x.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = message.ReadLeaves(r, func(l message.Leaf) io.Writer {
		a := byNumber[l.Number]
		if a == nil || failed != nil || l.Foreign && !strings.EqualFold(l.Name, a.Name) {
			return nil
		}
		delete(byNumber, l.Number)
		if l.ContentType == "message/rfc822" || l.ContentType == "message/global" || l.Foreign {
			if a.Size > 32<<20 {
				a.file, a.why = "", "it is large and stands inside another message"
				return nil
			}
			inner[a.file] = &bytes.Buffer{}
			return inner[a.file]
		}
		end()
		level := tight
		if a.Size > 1<<18 {
			level = quick
		}
		method := zip.Deflate
		if packed(a.ContentType, a.Name) {
			method = zip.Store
		}
		if open, failed = b.p.create(dir+a.file, level, method); failed != nil {
			return nil
		}
		return open
	})
	end()
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("attachments of %s: %w", x.Ref, err)
	}
	for _, a := range x.files {
		if buf := inner[a.file]; buf != nil {
			if err := b.p.add(dir+a.file, buf.Bytes()); err != nil {
				return err
			}
		}
		kept[a.file] = b.p.files[dir+a.file]
	}
	return b.attachmentTables(x, dir, kept)
}

// packed tells media that do not get smaller.
func packed(typ, name string) bool {
	switch {
	case strings.HasPrefix(typ, "image/") && typ != "image/svg+xml" && typ != "image/bmp" && typ != "image/tiff", strings.HasPrefix(typ, "video/"), strings.HasPrefix(typ, "audio/"):
		return true
	case strings.Contains(typ, "zip") || strings.Contains(typ, "officedocument") || strings.Contains(typ, "opendocument"):
		return true
	}
	return false
}

// attachmentTables writes the names of a message's attachments (Mailbag 1.0) and
// their hashes.
func (b *bag) attachmentTables(x *exhibit, dir string, kept map[string]digest) error {
	var t, s table
	t.row("Original-Filename", "Mailbag-Filename", "MimeType", "Content-ID")
	s.row("Mailbag-Filename", "sha256", "size", "left_in_message_only")
	for i := range x.files {
		a := &x.files[i]
		d := kept[a.file]
		if a.file != "" && a.SHA256 != "" && d.String() != a.SHA256 {
			// A part that the reader numbers twice: the message has it, the folder does not.
			if _, ok := b.p.files[dir+a.file]; !ok {
				a.file, a.why = "", "its place in the message is not plain"
			}
		}
		t.row(plain(a.Name), a.file, plain(a.ContentType), plain(a.ContentID))
		s.row(a.file, a.SHA256, fmt.Sprint(a.Size), a.why)
	}
	if err := b.add(dir+"attachments.csv", []byte(t.b.String())); err != nil {
		return err
	}
	return b.add(dir+"sums.csv", []byte(s.b.String()))
}

// copyExhibit copies the octets of a message, and checks that they are its.
func copyExhibit(e *entry, x *exhibit) error {
	r, _, err := x.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(e, r); err != nil {
		return err
	}
	if d := e.done(); d.size != x.size || d.sum != [sha256.Size]byte(x.Ref) {
		return unsound("%s is not what was sealed: %d octets with the hash %s", x.Ref, d.size, d)
	}
	return nil
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
