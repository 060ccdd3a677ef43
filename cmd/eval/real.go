package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	"inwriting/indexer/importer"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// realMail is one line of gold/real: a real mail with its sentences labelled.
type realMail struct {
	Source    string `json:"source"`
	Path      string `json:"path"`
	MessageID string `json:"message_id"`
	Date      string `json:"date"`
	From      string `json:"from"`
	Subject   string `json:"subject"`
	Sample    string `json:"sample"`
	Sentences []struct {
		Text  string          `json:"text"`
		Kind  statement.Kind  `json:"kind"`
		Or    []string        `json:"or"`
		Facts []LabelFact     `json:"facts"`
		Flags map[string]bool `json:"flags"`
	} `json:"sentences"`

	mail *mail
}

func (r *realMail) random() bool { return r.Sample == "random" }

// loadReal reads gold/real and fetches each mail from the corpora. Mails whose
// archive is not there are left out; the second result counts them.
func loadReal(gold, corpora string) ([]*realMail, int, error) {
	var all []*realMail
	for _, name := range [...]string{"enron", "foia", "ham", "usrp"} {
		b, err := os.ReadFile(filepath.Join(gold, "real", name+".jsonl"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for _, line := range bytes.Split(b, []byte("\n")) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			r := &realMail{}
			if err := json.Unmarshal(line, r); err != nil {
				return nil, 0, fmt.Errorf("reading %q: %w", name+".jsonl", err)
			}
			all = append(all, r)
		}
	}
	want := map[string]*realMail{}
	for _, r := range all {
		want[r.Source+" "+r.Path] = r
	}
	for _, a := range [...]struct{ source, file string }{
		{"enron", "bulk/enron-inbox.tar.zst"}, {"foia", "bulk/foia-state-text.tar.zst"},
		{"ham", "bulk/spamassassin-ham.tar.zst"},
	} {
		if err := fromTar(filepath.Join(corpora, a.file), func(name string, octets []byte) {
			if r := want[a.source+" "+name]; r != nil && r.mail == nil {
				if a.source == "foia" {
					r.mail = pageText(r, octets)
				} else {
					r.mail = newMail(octets)
				}
			}
		}, func(name string) bool { return want[a.source+" "+name] != nil }); err != nil {
			return nil, 0, err
		}
	}
	if err := fromMailbox(filepath.Join(corpora, "threads/usrp-users.mbox.zst"), func(octets []byte) {
		m := message.Parse(octets)
		if r := want["usrp <"+m.MessageID+">"]; r != nil && r.mail == nil {
			r.mail = newMail(octets)
		}
	}); err != nil {
		return nil, 0, err
	}
	kept := all[:0]
	absent := 0
	for _, r := range all {
		if r.mail == nil {
			absent++
			continue
		}
		kept = append(kept, r)
	}
	return kept, absent, nil
}

// pageText makes a message of a printed page, which is no RFC 5322 message.
func pageText(r *realMail, octets []byte) *mail {
	text := strings.ReplaceAll(strings.ToValidUTF8(string(octets), "?"), "\r\n", "\n")
	m := &message.Message{Subject: r.Subject, Text: text, Zones: []message.Zone{{Kind: message.New, Start: 0, End: len(text)}}}
	for _, layout := range [...]string{"Monday, January 2, 2006 3:04 PM", "Monday, January 2, 2006 3:04 pm", "Monday, January 2, 2006 15:04"} {
		if t, err := time.Parse(layout, strings.Join(strings.Fields(strings.ReplaceAll(r.Date, ",", ", ")), " ")); err == nil {
			m.Date = t.In(time.FixedZone("", -5*3600))
			m.Date = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.FixedZone("", -5*3600))
			break
		}
	}
	return &mail{m: m, flat: flatten(text)}
}

// unpack hands fn what a zstd file holds; a file that is not there holds nothing.
func unpack(path string, fn func(io.Reader) error) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return fmt.Errorf("opening %q: %w", path, err)
	}
	defer z.Close()
	if err := fn(z); err != nil {
		return fmt.Errorf("reading %q: %w", path, err)
	}
	return nil
}

func fromTar(path string, each func(string, []byte), wanted func(string) bool) error {
	return unpack(path, func(r io.Reader) error {
		t := tar.NewReader(r)
		for {
			h, err := t.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if !wanted(h.Name) {
				continue
			}
			b, err := io.ReadAll(t)
			if err != nil {
				return err
			}
			each(h.Name, b)
		}
	})
}

// fromMailbox hands each the messages of a mailbox file as the program imports
// them; a file that is not there holds none.
func fromMailbox(path string, each func([]byte)) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	tmp, err := os.MkdirTemp("", "inwriting-eval-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	stage, err := archive.NewStage(tmp)
	if err != nil {
		return err
	}
	_, err = importer.Run(context.Background(), path, stage, importer.Options{}, func(it importer.Item) error {
		defer it.Blob.Discard()
		r, err := it.Blob.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		octets, err := io.ReadAll(r)
		if err == nil {
			each(octets)
		}
		return err
	})
	return err
}

// labels splits a real mail's sentences into statements and ordinary ones.
func (r *realMail) labels() (ls, none []*Label) {
	for i := range r.Sentences {
		s := &r.Sentences[i]
		l := &Label{File: r.Path, Quote: s.Text, Kind: s.Kind, Or: s.Or, Facts: s.Facts}
		if s.Kind == statement.None {
			none = append(none, l)
		} else {
			ls = append(ls, l)
		}
	}
	return ls, none
}

// scoreReal scores a set of real mails.
func scoreReal(mails []*realMail, read func(*mail) []statement.Statement, keep func(*realMail) bool, verbose io.Writer) (*result, int) {
	res := newResult()
	n := 0
	for _, r := range mails {
		if !keep(r) {
			continue
		}
		n++
		ls, none := r.labels()
		scoreMail(res, r.mail, read(r.mail), ls, none, true, verbose, r.Source+":"+r.Path)
	}
	return res, n
}
