package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/bundle"
	"inwriting/search/trail"
)

type exportArgs struct {
	Question string `json:"question"`
	Title    string `json:"title"`
	For      string `json:"for"`
	Out      string `json:"out"` // absolute
	Force    bool   `json:"force"`
}

// exportReport is the document "inwriting.export/v1".
type exportReport struct {
	Schema   string `json:"schema"`
	File     string `json:"file"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Messages int    `json:"messages"`
	Entries  int    `json:"entries"`
	Findings int    `json:"findings"`
}

// export writes the bundle beside its final name and renames it: a bundle is
// there whole or not at all.
func (s *service) export(ctx context.Context, args exportArgs) (*exportReport, error) {
	if !args.Force {
		if _, err := os.Lstat(args.Out); err == nil {
			return nil, &exitError{status: exitFailed, err: fmt.Errorf("writing %q: the file exists", args.Out), hint: "choose another name, or give --force to replace it"}
		}
	}
	tr, err := s.Trail(ctx, search.TrailQuery{Question: args.Question})
	if err != nil {
		return nil, err
	}
	if len(tr.Entries) == 0 {
		return nil, fmt.Errorf("%w about: %s", errNothing, args.Question)
	}
	if args.Title == "" {
		args.Title = args.Question
		if tr.Matter != nil {
			args.Title = tr.Matter.Title
		}
	}
	in := bundle.Input{Trail: tr, Profile: args.For, Title: args.Title, Version: Version}
	seen := map[archive.Ref]bool{}
	for _, e := range tr.Entries {
		ref := e.Statement.Message.Ref
		if seen[ref] {
			continue
		}
		seen[ref] = true
		doc, err := s.Message(ctx, ref.String())
		if err != nil {
			return nil, fmt.Errorf("gathering the bundle: %w", err)
		}
		in.Exhibits = append(in.Exhibits, bundle.Exhibit{Ref: ref, Info: doc.Message, Text: doc.Text, LedgerIndex: doc.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, ref) }})
	}
	for _, x := range tr.Exhibits {
		in.Outside = append(in.Outside, bundle.Outside{Ref: x.Ref, Name: x.Name, Media: x.Media, Note: x.Note, Taken: x.At, LedgerIndex: x.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, x.Ref) }})
	}
	if err := s.seal(&in); err != nil {
		return nil, fmt.Errorf("sealing the bundle: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(args.Out), ".inwriting-*")
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	h := sha256.New()
	sum, err := bundle.Write(io.MultiWriter(f, h), in)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), args.Out); err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	selection := sha256.Sum256([]byte(strings.Join([]string{args.Question, args.For, args.Title}, "\n")))
	if err := s.vault.Note(ledger.Export{TagManifest: sum.TagManifest, Selection: hex.EncodeToString(selection[:])}); err != nil {
		return nil, err
	}
	return &exportReport{Schema: "inwriting.export/v1", File: args.Out, Size: size, SHA256: hex.EncodeToString(h.Sum(nil)),
		Messages: len(in.Exhibits), Entries: len(tr.Entries), Findings: len(tr.Findings)}, nil
}

// seal adds what proves that the exhibits lie in the ledger. It is signed first:
// every exhibit lies under the checkpoint that the bundle carries.
func (s *service) seal(in *bundle.Input) error {
	return s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		cp, err := l.Checkpoint()
		if err != nil {
			return err
		}
		in.Trail.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
		in.Checkpoint, in.VKey = cp.Note, l.VKey()
		in.PublicKeyPEM = l.PublicKeyPEM()
		for i := range in.Exhibits {
			e := &in.Exhibits[i]
			if e.Line, err = l.Line(e.LedgerIndex); err != nil {
				return err
			}
			if e.Proof, err = l.Prove(e.LedgerIndex); err != nil {
				return err
			}
		}
		for i := range in.Outside {
			x := &in.Outside[i]
			if x.Line, err = l.Line(x.LedgerIndex); err != nil {
				return err
			}
			if x.Proof, err = l.Prove(x.LedgerIndex); err != nil {
				return err
			}
		}
		return nil
	})
}
