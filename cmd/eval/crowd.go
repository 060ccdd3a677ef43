package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"inwriting/indexer"
	"inwriting/indexer/importer"
	"inwriting/search"
	"inwriting/search/trail"
)

// crowdSize is how many messages of others stand in the vault with the cases.
const crowdSize = 30_000

// askCrowd asks every case's questions of one vault that holds all cases and the
// mail of others, and prints the scores and times. The vault is built in a folder
// that is removed, or kept in INWRITING_CROWD for the next time.
func askCrowd(cases []*Gold, gold, corpora string, detail, w io.Writer) error {
	dir := os.Getenv("INWRITING_CROWD")
	if dir == "" {
		if _, err := os.Stat(filepath.Join(corpora, "bulk", "enron-inbox.tar.zst")); err != nil {
			fmt.Fprintf(w, "\nnot asked among %d others: no mail of others at %q\n", crowdSize, corpora)
			return nil
		}
		var err error
		if dir, err = os.MkdirTemp("", "inwriting-crowd-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	v, err := indexer.Open(dir, indexer.Options{})
	if err != nil {
		return err
	}
	defer v.Close()
	ctx := context.Background()
	if err := fillCrowd(ctx, v, filepath.Join(dir, "filled"), cases, gold, corpora); err != nil {
		return fmt.Errorf("filling the vault: %w", err)
	}
	var people trail.People
	for _, g := range cases {
		people.Clients = append(people.Clients, trail.Party{Name: g.Client.Name, Addresses: g.Client.Emails, Domains: g.Client.Domains})
		for _, u := range g.Us {
			people.Us = append(people.Us, u.Emails...)
		}
	}
	s := search.NewVaultSearcher(v, func() trail.People { return people }, search.Options{})
	sum := newTrailResult()
	var took []time.Duration
	fmt.Fprintf(w, "\n%-24s %8s %6s %9s  %8s %8s\n", fmt.Sprintf("among %d others", crowdSize), "answered", "recall", "precision", "findingP", "findingR")
	for _, g := range cases {
		answers := map[string]*trail.Trail{}
		for _, q := range g.Questions {
			start := time.Now()
			if answers[q.Ask], err = s.Trail(ctx, search.TrailQuery{Question: q.Ask}); err != nil {
				return err
			}
			took = append(took, time.Since(start))
		}
		r := scoreTrails(g, answers, detail)
		sum.add(r)
		printTrail(w, g.ID, r)
	}
	printTrail(w, "all cases", sum)
	slices.Sort(took)
	if len(took) > 0 {
		fmt.Fprintf(w, "a trail took p50 %v  p99 %v  at most %v\n", took[len(took)/2].Round(time.Millisecond), took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	}
	return nil
}

// fillCrowd imports the cases, each as its own account, and the others' mail. The
// mark is written last: a vault without it is filled again, which adds nothing twice.
func fillCrowd(ctx context.Context, v *indexer.Vault, mark string, cases []*Gold, gold, corpora string) error {
	if _, err := os.Stat(mark); err == nil {
		return v.Read(ctx, nil) // the reader may be a newer one
	}
	for _, g := range cases {
		if _, err := v.Import(ctx, g.Account, []string{filepath.Join(gold, g.ID, "mail")}, importer.Options{}); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp("", "inwriting-others-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	n, err := unpackMail(filepath.Join(corpora, "bulk", "enron-inbox.tar.zst"), tmp, crowdSize)
	if err != nil {
		return err
	}
	if n < crowdSize {
		if _, err := unpackMail(filepath.Join(corpora, "bulk", "spamassassin-ham.tar.zst"), tmp, crowdSize-n); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if _, err := v.Import(ctx, "others@crowd.example", []string{tmp}, importer.Options{}); err != nil {
		return err
	}
	if err := v.Read(ctx, nil); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}

// unpackMail writes the files of a packed archive into dir, as mail, at most limit.
func unpackMail(path, dir string, limit int) (n int, err error) {
	err = unpack(path, func(r io.Reader) error {
		for t := tar.NewReader(r); n < limit; {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if h.Typeflag != tar.TypeReg {
				continue
			}
			b, err := io.ReadAll(t)
			if err != nil {
				return err
			}
			n++
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.eml", filepath.Base(path), n)), b, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
