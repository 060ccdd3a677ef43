package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
	"inwriting/search/bundle"
	"inwriting/search/trail"
)

// benchBundle has a process of its own write a bundle, so that its peak memory is
// the bundle's: one of 1,000 messages and 200 MB, and one of 3,000 pages. The second is
// check 16 in notes/evidence.md, section 12. What takes more than it may is an error.
func benchBundle(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name     string
		n        int
		attached int // octets in every message, before base64
		lines    int
		seconds  float64 // at most
		memory   int64   // at most, MB
	}{
		{"1,000 messages, 200 MB", 1000, 145_000, 14, 20, 250},
		{"3,000 pages", 1580, 0, 24, 15, 200},
	} {
		from := filepath.Join(dir, strings.Fields(c.name)[0])
		if err := bundleMail(from, c.n, c.attached, c.lines); err != nil {
			return err
		}
		out := from + ".zip"
		m, err := measure(nil, self, "bundle-write", from, out)
		if err != nil {
			return err
		}
		report(os.Stdout, "bundle of "+c.name, m)
		os.Stdout.Write(m.out)
		// On a busy machine the clock runs while others work: processor time is the better
		// of the two then.
		if min(m.wall, m.cpu).Seconds() > c.seconds || m.rss > c.memory*1e6 {
			return fmt.Errorf("bundle of %s: at most %g s and %d MB are allowed", c.name, c.seconds, c.memory)
		}
		if m, err = measure(nil, *binary, "verify", out); err != nil {
			return err
		}
		report(os.Stdout, "verify of it", m)
	}
	return nil
}

// bundleMail writes the messages and the ledger that has seen them.
func bundleMail(dir string, n, attached, lines int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{Origin: "bench.example"})
	if err != nil {
		return err
	}
	defer l.Close()
	g := newGenerator(3)
	var facts []ledger.Fact
	for i := range n {
		var b bytes.Buffer
		fmt.Fprintf(&b, "From: Martin Hale <martin@halearchitects.example>\r\nTo: Nora Lindqvist <nora@deskandco.example>\r\nSubject: Part %d of the work\r\nDate: %s\r\nMessage-ID: <b%d@halearchitects.example>\r\n",
			i, time.Date(2023, 3, 1, 9, i, 0, 0, time.UTC).Format(time.RFC1123Z), i)
		if attached > 0 {
			b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
		} else {
			b.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\n")
		}
		fmt.Fprintf(&b, "Please finish part %d by Friday.\r\n\r\n", i)
		for range lines {
			b.WriteString(g.sentence() + "\r\n")
		}
		if attached > 0 {
			fmt.Fprintf(&b, "--b\r\nContent-Type: application/pdf; name=part-%d.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n", i)
			line := make([]byte, 57)
			for done := 0; done < attached; done += len(line) {
				for j := range line {
					line[j] = byte(g.r.Uint32())
				}
				b.WriteString(base64.StdEncoding.EncodeToString(line) + "\r\n")
			}
			b.WriteString("--b--\r\n")
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.eml", i)), b.Bytes(), 0o644); err != nil {
			return err
		}
		sum := sha256.Sum256(b.Bytes())
		facts = append(facts, ledger.MsgSeen{Blob: archive.Ref(sum).Hex(), Size: int64(b.Len()), Mailbox: 1, UIDValidity: 1, UID: uint32(i + 1)})
	}
	if _, err := l.Append(facts); err != nil {
		return err
	}
	_, err = l.Checkpoint()
	return err
}

// writeBundle is the process that is measured.
func writeBundle() error {
	dir, out := flag.Arg(1), flag.Arg(2)
	l, err := ledger.Open(filepath.Join(dir, "ledger"), filepath.Join(dir, "keys"), ledger.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	cp := l.Signed()
	tr := &trail.Trail{Schema: trail.Schema, Question: "which parts were asked for?", Summary: trail.Summary{Text: "All parts were asked for by Friday.", Statements: []int{1}}}
	tr.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
	in := bundle.Input{Trail: tr, Profile: "court", Title: "Parts of the work", Version: "bench", Checkpoint: cp.Note, VKey: l.VKey(), PublicKeyPEM: l.PublicKeyPEM(), Client: "Hale Architects",
		People: trail.People{Us: []string{"nora@deskandco.example"}, Clients: []trail.Party{{Name: "Hale Architects", Domains: []string{"halearchitects.example"}}, {Name: "Falk Dental", Domains: []string{"falkdental.example"}}}}}
	if in.Signer, err = l.Signer(); err != nil {
		return err
	}
	var octets int64
	err = l.Entries(0, func(index int64, line []byte) error {
		e, err := ledger.Decode(line)
		seen, ok := e.Fact.(ledger.MsgSeen)
		if err != nil || !ok {
			return err
		}
		octets += seen.Size
		x, err := benchExhibit(dir, index, seen)
		if err != nil {
			return err
		}
		x.Line = bytes.Clone(line)
		if x.Proof, err = l.Prove(index); err != nil {
			return err
		}
		quote, _, _ := strings.Cut(x.Text, "\n")
		tr.Entries = append(tr.Entries, trail.Entry{N: len(tr.Entries) + 1, Statement: trail.Statement{ID: fmt.Sprint(index), Kind: "instruction", Quote: quote, End: utf8.RuneCountInString(quote),
			Speaker: trail.Speaker{Name: "Martin Hale", Address: x.Info.From, Role: trail.Client}, Message: x.Info}})
		in.Exhibits = append(in.Exhibits, x)
		return nil
	})
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	sum, err := bundle.Write(w, in)
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return err
	}
	fmt.Printf("  %d messages of %.0f MB, %d files, %d pages, PDF %.1f MB\n", sum.Exhibits, float64(octets)/1e6, sum.Files, sum.Pages, float64(sum.PDFSize)/1e6)
	return nil
}

func benchExhibit(dir string, index int64, seen ledger.MsgSeen) (bundle.Exhibit, error) {
	ref, err := archive.ParseRef(seen.Blob)
	if err != nil {
		return bundle.Exhibit{}, err
	}
	name := filepath.Join(dir, fmt.Sprintf("%05d.eml", seen.UID-1))
	open := func() (io.ReadCloser, int64, error) {
		f, err := os.Open(name)
		return f, seen.Size, err
	}
	r, _, err := open()
	if err != nil {
		return bundle.Exhibit{}, err
	}
	defer r.Close()
	m, err := message.Read(r)
	if err != nil {
		return bundle.Exhibit{}, err
	}
	info := trail.MessageInfo{Ref: ref, MessageID: m.MessageID, Date: m.Date, From: m.From[0].Address, To: []string{m.To[0].Address}, Subject: m.Subject,
		Occurrences: []trail.Occurrence{{Mailbox: "nora@deskandco.example", Folder: "INBOX", UID: seen.UID}}}
	return bundle.Exhibit{Ref: ref, Info: info, Text: m.Text, LedgerIndex: index, Open: open}, nil
}
