package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/durable"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

type backupArgs struct {
	Dir string `json:"dir"` // absolute
}

// backupReport is the document "inwriting.backup/v1".
type backupReport struct {
	Schema   string `json:"schema"`
	Dir      string `json:"dir"`
	Bytes    int64  `json:"bytes"`
	Messages int    `json:"messages"` // in the copy, each read again and as it was sealed
	Entries  int64  `json:"entries"`  // of the ledger
	Root     string `json:"root"`
}

func (a *app) backupCmd() *cobra.Command {
	return &cobra.Command{
		Use: "backup DIR", Short: "Copy the vault while it is in use, and check the copy", Args: exactly(1),
		Long: `Backup copies what cannot be made again into a new folder: archive, ledger, keys and
who may sign in. A daemon goes on meanwhile. Then the copy is opened and all of it
is read and compared with what was sealed. Restoring is using it: --data DIR; the
search index is made again by the first command that needs it. The copy holds the
signing key: keep it as safe as the vault.`,
		Example: "  inwriting backup /mnt/backup/2026-11-25\n  inwriting verify --archive --data /mnt/backup/2026-11-25",
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := absolute(args[0])
			if err != nil {
				return err
			}
			b, err := a.open(c.Context())
			if err != nil {
				return err
			}
			defer b.Close()
			show, bar := a.bars()
			var r backupReport
			err = b.do(c.Context(), "backup", backupArgs{dir}, show, &r)
			bar.done()
			if err != nil {
				return err
			}
			switch {
			case a.json:
				return writeJSON(a.out, r)
			case a.plain:
				plainLine(a.out, r.Dir, fmt.Sprint(r.Bytes), fmt.Sprint(r.Messages), fmt.Sprint(r.Entries))
				return nil
			}
			fmt.Fprintf(a.out, "%s, %s: every one read again in the copy and as it was sealed (%s of the ledger)\n", plural(r.Messages, "message", "messages"), bytesText(r.Bytes), plural(int(r.Entries), "entry", "entries"))
			return nil
		},
	}
}

// backup copies the vault into a new folder. The order is that of writing, turned
// around: the signed state before the entries that it commits to, the entries
// before the messages that they name. So the copy never names what it lacks, and
// what was written meanwhile is surplus that opening it adopts or sets aside.
func (s *service) backup(ctx context.Context, args backupArgs, events func(any)) (*backupReport, error) {
	src, err := filepath.EvalSymlinks(s.vault.Dir())
	if err != nil {
		return nil, fmt.Errorf("backing up: %w", err)
	}
	if rel, err := filepath.Rel(src, args.Dir); err == nil && !strings.HasPrefix(rel, "..") {
		return nil, usage("backup %q: it lies inside the vault", args.Dir)
	}
	if list, err := os.ReadDir(args.Dir); err == nil && len(list) > 0 {
		return nil, &exitError{status: exitFailed, err: fmt.Errorf("backing up into %q: the folder is not empty", args.Dir), hint: "give each backup a folder of its own"}
	}
	if err := durable.MkdirAll(args.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("backing up: %w", err)
	}
	if err := s.vault.Sign(); err != nil {
		return nil, fmt.Errorf("backing up: %w", err)
	}
	r := &backupReport{Schema: "inwriting.backup/v1", Dir: args.Dir}
	c := copier{ctx: ctx, from: s.vault.Dir(), to: args.Dir, report: r, events: events}
	// The stores stay open meanwhile; they may grow.
	err = s.vault.Stores(func(*archive.Archive, *ledger.Ledger, *catalog.Catalog, *textindex.Index) error {
		return errors.Join(c.tree("ledger/checkpoint"), c.tree("ledger"), c.tree("keys"), c.tree(accessFile), c.tree("archive"))
	})
	if err != nil {
		return nil, fmt.Errorf("backing up: %w", err)
	}
	return r, s.provenCopy(ctx, r, events)
}

// provenCopy opens the copy, as a restore would, and reads all of it.
func (s *service) provenCopy(ctx context.Context, r *backupReport, events func(any)) error {
	events(progress{Label: "checking the copy", Total: 1})
	v, err := indexer.Open(r.Dir, indexer.Options{Logger: s.log})
	if err != nil {
		return fmt.Errorf("opening the copy: %w", err)
	}
	defer v.Close()
	people, err := s.vault.People()
	if err == nil && people != "" {
		err = v.SetPeople(people)
	}
	if err != nil {
		return fmt.Errorf("copying who is who: %w", err)
	}
	report, err := v.Verify(ctx)
	if err != nil {
		return fmt.Errorf("checking the copy: %w", err)
	}
	r.Messages, r.Entries, r.Root = report.Intact, report.Entries, report.Root
	if !report.OK {
		return &exitError{status: exitVerification, err: fmt.Errorf("the copy in %q is not as it was sealed", r.Dir), hint: `"inwriting verify --archive" says whether the vault itself is; "inwriting verify --archive --data ` + r.Dir + `" what differs`}
	}
	events(progress{Label: "checking the copy", Done: 1, Total: 1})
	return nil
}

// copier copies files of a vault that grows meanwhile.
type copier struct {
	ctx      context.Context
	from, to string
	report   *backupReport
	events   func(any)
}

// tree copies a file or a folder, each file durable. What is there already is
// left: the checkpoint is copied first of all. A name that is not there is none.
func (c *copier) tree(name string) error {
	root := filepath.Join(c.from, filepath.FromSlash(name))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || c.ctx.Err() != nil {
			return errors.Join(err, c.ctx.Err())
		}
		rel, err := filepath.Rel(c.from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(c.to, rel)
		switch {
		case d.IsDir():
			return durable.MkdirAll(to, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		if err := durable.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if _, err := os.Lstat(to); err == nil {
			return nil
		}
		return c.file(path, to)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (c *copier) file(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, fi.Mode().Perm())
	if err != nil {
		return err
	}
	defer out.Close()
	// What is appended from here on belongs to the next backup.
	n, err := io.Copy(out, io.LimitReader(in, fi.Size()))
	if err == nil && filepath.Base(from) == "entries.jsonl" {
		n, err = wholeLines(out, n)
	}
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(to))
	}
	c.report.Bytes += n
	c.events(progress{Label: "copying", Done: int(c.report.Bytes >> 20), Total: int(c.report.Bytes>>20) + 1, Tail: filepath.Base(from)})
	return err
}

// wholeLines cuts off a last line that was being written.
func wholeLines(f *os.File, n int64) (int64, error) {
	buf := make([]byte, min(n, 1<<20))
	if _, err := f.ReadAt(buf, n-int64(len(buf))); err != nil && err != io.EOF {
		return n, err
	}
	n -= int64(len(buf) - 1 - bytes.LastIndexByte(buf, '\n'))
	return n, f.Truncate(n)
}
