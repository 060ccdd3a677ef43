package main

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

var shared = flag.String("shared", "../shared", "index: where corpora/bulk lies; without it only generated mail is measured")

// benchIndex measures an import until all is searchable beside notmuch and mu, on
// generated and on real mail, and asks what was indexed.
func benchIndex(dir string) error {
	mail := filepath.Join(dir, "generated")
	if _, err := corpus(mail, *count); err != nil {
		return err
	}
	if err := indexing(dir, "generated mail", mail); err != nil {
		return err
	}
	inbox := filepath.Join(*shared, "corpora", "bulk", "enron-inbox.tar.zst")
	if _, err := os.Stat(inbox); errors.Is(err, os.ErrNotExist) {
		fmt.Printf("no real mail: %s is not there\n", inbox)
		return nil
	}
	mail = filepath.Join(dir, "real")
	if err := unpack(inbox, mail, *count); err != nil {
		return err
	}
	return indexing(dir, "real mail", mail)
}

// indexing runs the three programs in turns over one maildir, and questions over
// what the last round left.
func indexing(dir, name, mail string) error {
	files, err := os.ReadDir(filepath.Join(mail, "cur"))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d messages, %.1f MB, one maildir\n", name, len(files), float64(du(mail))/1e6)
	vault, db, muhome := filepath.Join(dir, "vault"), filepath.Join(dir, "notmuch"), filepath.Join(dir, "mu")
	rc := filepath.Join(dir, "notmuchrc")
	text := fmt.Sprintf("[database]\npath=%s\nmail_root=%s\n[user]\nname=Nora\nprimary_email=nora@deskandco.example\n[new]\ntags=\n[maildir]\nsynchronize_flags=false\n", db, mail)
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		return err
	}
	var ours, theirs, mus []cost
	var ourDisk, theirDisk int64
	for range *rounds {
		for _, d := range []string{vault, db, muhome} {
			if err := os.RemoveAll(d); err != nil {
				return err
			}
		}
		if err := os.MkdirAll(db, 0o755); err != nil {
			return err
		}
		c, err := measure(nil, *binary, "import", mail, "--mailbox", "nora@deskandco.example", "--data", vault)
		if err != nil {
			return err
		}
		ours = append(ours, c)
		if c, err = measure([]string{"NOTMUCH_CONFIG=" + rc}, "notmuch", "new", "--quiet"); err != nil {
			return err
		}
		theirs = append(theirs, c)
		if _, err = measure(nil, "mu", "init", "--quiet", "--muhome="+muhome, "--maildir="+mail); err != nil {
			return err
		}
		if c, err = measure(nil, "mu", "index", "--quiet", "--muhome="+muhome); err != nil {
			return err
		}
		mus = append(mus, c)
		ourDisk, theirDisk = du(filepath.Join(vault, "index")), du(db)
	}
	o, n, m := median(ours), median(theirs), median(mus)
	report(os.Stdout, "inwriting import, all searchable", o)
	report(os.Stdout, "notmuch new", n)
	report(os.Stdout, "mu index", m)
	ratio := func(name string, p cost) {
		fmt.Printf("inwriting / %s: wall %.2f, CPU %.2f, peak memory %.2f\n", name, o.wall.Seconds()/p.wall.Seconds(), o.cpu.Seconds()/p.cpu.Seconds(), float64(o.rss)/float64(p.rss))
	}
	ratio("notmuch", n)
	ratio("mu", m)
	fmt.Printf("index %.0f MB, notmuch's %.0f MB: %.2f; catalog beside it %.0f MB\n", float64(ourDisk)/1e6, float64(theirDisk)/1e6, float64(ourDisk)/float64(theirDisk),
		float64(du(filepath.Join(vault, "catalog.db")))/1e6)
	return questions(filepath.Join(vault, "index"), db, rc, mail)
}

// unpack makes a maildir of the first n files of a tar.
func unpack(archive, mail string, n int) error {
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(mail, d), 0o755); err != nil {
			return err
		}
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return err
	}
	defer z.Close()
	t := tar.NewReader(z)
	for i := 0; i < n; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", archive, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return fmt.Errorf("unpacking %s: %w", archive, err)
		}
		if err := os.WriteFile(filepath.Join(mail, "cur", fmt.Sprintf("%d.M%06d.real:2,S", 1600000000+i, i)), b, 0o644); err != nil {
			return err
		}
		i++
	}
	return nil
}
