package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"inwriting/indexer"
	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/search"
	"inwriting/search/bundle"
)

type exportArgs struct {
	Question string `json:"question"`
	Title    string `json:"title"`
	Cover    string `json:"cover,omitempty"`
	For      string `json:"for"`
	Out      string `json:"out"` // absolute
	Force    bool   `json:"force"`

	Client   string             `json:"client,omitempty"`
	Lawyers  []string           `json:"lawyers,omitempty"`
	First    int                `json:"first,omitempty"` // page
	Core     bool               `json:"core,omitempty"`
	Release  []string           `json:"release,omitempty"`   // ID=REASON
	Withhold []string           `json:"withhold,omitempty"`  // ID=CODE:REASON
	LeaveOut []string           `json:"leave_out,omitempty"` // N=REASON
	Redact   []bundle.Redaction `json:"redact,omitempty"`
	BlackOut []string           `json:"black_out,omitempty"` // forms
	AsOf     int64              `json:"as_of,omitempty"`     // entries of the ledger; 0 is now
	Keep     []string           `json:"keep,omitempty"`      // SHA256=REASON of attachments
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

	Pages       int      `json:"pages"`
	Originals   int      `json:"originals"` // messages that are in it as they came
	Redacted    int      `json:"redacted"`
	Withheld    int      `json:"withheld"`
	TagManifest string   `json:"tagmanifest_sha256"` // stands for the whole bundle
	LedgerSize  int64    `json:"ledger_size"`        // entries that it speaks of: --as-of gives it again
	Warnings    []string `json:"warnings,omitempty"`
	Holds       []held   `json:"holds,omitempty"` // what waits for a decision; then nothing was written
}

// held is a place that a person has to decide about.
type held struct {
	ID    string `json:"id"`
	Code  string `json:"code"`
	Ref   string `json:"ref,omitempty"`
	Where string `json:"where"`
	Words string `json:"words"`
	Of    string `json:"of,omitempty"`
}

// export writes the bundle beside its final name and renames it: a bundle is
// there whole or not at all.
func (s *service) export(ctx context.Context, args exportArgs, events func(any)) (*exportReport, error) {
	if !args.Force {
		if _, err := os.Lstat(args.Out); err == nil {
			return nil, &exitError{status: exitFailed, err: fmt.Errorf("writing %q: the file exists", args.Out), hint: "choose another name, or give --force to replace it"}
		}
	}
	if args.AsOf == 0 {
		return s.exportFrom(ctx, s, args, events)
	}
	var r *exportReport
	err := s.asOf(ctx, args.AsOf, events, func(past *service) (err error) {
		r, err = s.exportFrom(ctx, past, args, events)
		return err
	})
	return r, err
}

// asOf answers from the vault as it was when its ledger had size entries. Who is who
// is what the settings say today.
func (s *service) asOf(ctx context.Context, size int64, events func(any), fn func(*service) error) error {
	kept, err := s.keptPeople()
	if err != nil {
		return err
	}
	s.mu.Lock()
	people := s.named
	s.mu.Unlock()
	people.Us, people.Clients, people.Others = slices.Clone(people.Us), slices.Clone(people.Clients), slices.Clone(people.Others)
	return s.vault.AsOf(ctx, size, tellRead(events), func(v *indexer.Vault) error {
		past := &service{cfg: s.config(), vault: v, getenv: s.getenv, log: s.log}
		if err := past.setPeople(mergePeople(people, kept)); err != nil {
			return err
		}
		past.Searcher = search.NewVaultSearcher(v, past.peopleNow, search.Options{})
		return fn(past)
	})
}

// exportFrom writes the bundle of what from holds, and records it.
func (s *service) exportFrom(ctx context.Context, from *service, args exportArgs, events func(any)) (*exportReport, error) {
	in, err := from.bundleInput(ctx, &args)
	if err != nil {
		return nil, err
	}
	in.Progress = func(label string, done, total int) { events(progress{Label: label, Done: done, Total: total}) }
	f, err := beside(args.Out)
	if err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	sum, hash, err := s.writeBundle(ctx, f, in)
	if err != nil {
		var h *bundle.HeldError
		if errors.As(err, &h) {
			return heldReport(h), &heldError{h}
		}
		err = fmt.Errorf("writing the bundle: %w", err)
		if errors.Is(err, syscall.ENOSPC) {
			err = &exitError{status: exitFailed, err: err, hint: fmt.Sprintf("nothing of it is left; make room in %q, or write it elsewhere", filepath.Dir(args.Out))}
		}
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), args.Out); err != nil {
		return nil, fmt.Errorf("writing the bundle: %w", err)
	}
	if err := s.vault.Note(ledger.Export{TagManifest: sum.TagManifest, Selection: sum.Selection, Decisions: decisionsOf(in)}); err != nil {
		return nil, err
	}
	return &exportReport{Schema: "inwriting.export/v1", File: args.Out, Size: size, SHA256: hash, Messages: sum.Exhibits, Entries: sum.Rows, Findings: sum.Findings,
		Pages: sum.Pages, Originals: sum.Originals, Redacted: sum.Redacted, Withheld: sum.Withheld, TagManifest: sum.TagManifest,
		LedgerSize: in.Trail.Coverage.Checkpoint.Size, Warnings: sum.Warnings}, nil
}

// beside makes the file that becomes out when it is whole. It is locked while it is
// written: what a killed export left there an hour ago nobody holds, and it is removed.
func beside(out string) (*os.File, error) {
	const prefix = ".inwriting-"
	dir := filepath.Dir(out)
	left, err := os.ReadDir(dir)
	if err != nil {
		left = nil // it may be written to and not listed
	}
	for _, de := range left {
		fi, err := de.Info()
		if err != nil || !strings.HasPrefix(de.Name(), prefix) || !fi.Mode().IsRegular() || time.Since(fi.ModTime()) < time.Hour {
			continue
		}
		path := filepath.Join(dir, de.Name())
		if f, err := os.Open(path); err == nil {
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
				os.Remove(path)
			}
			f.Close()
		}
	}
	f, err := os.CreateTemp(dir, prefix+"*")
	if err != nil {
		return nil, err
	}
	// A file system without locks has no killed exports cleaned up either.
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return f, nil
}

// heldError is what waits, with how to decide.
type heldError struct{ *bundle.HeldError }

func (e *heldError) Error() string {
	return e.HeldError.Error() + "\ndecide about each: --release ID=REASON lets it leave, --withhold ID=REASON lists the message without its words; nothing was written"
}

func (e *heldError) Unwrap() error { return e.HeldError }

func heldReport(h *bundle.HeldError) *exportReport {
	r := &exportReport{Schema: "inwriting.export/v1"}
	for _, x := range h.Holds {
		y := held{ID: x.ID, Code: x.Code, Where: x.Where, Words: x.Words, Of: x.Of}
		if x.Ref != (archive.Ref{}) {
			y.Ref = x.Ref.String()
		}
		r.Holds = append(r.Holds, y)
	}
	return r
}

// decisionsOf are a person's decisions as the ledger keeps them: ids, codes and
// reasons, nothing of what the mail says.
func decisionsOf(in bundle.Input) []string {
	var out []string
	for _, d := range in.Decisions {
		what := "release"
		if d.Withhold {
			what = "withhold " + d.Code
		}
		out = append(out, fmt.Sprintf("%s %s: %s", strings.TrimSpace(what), d.ID, d.Reason))
	}
	for _, k := range in.Keep {
		out = append(out, fmt.Sprintf("keep attachment %s: %s", k.SHA256, k.Reason))
	}
	for _, r := range in.Redactions {
		if what := "redact: " + r.Reason; !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	return out
}

// writeBundle writes to f. Where authorities are configured their time stamps are asked
// for; when none answers the bundle goes without, and says so.
func (s *service) writeBundle(ctx context.Context, f *os.File, in bundle.Input) (bundle.Summary, string, error) {
	attest, err := attestOf(s.config())
	if err != nil {
		return bundle.Summary{}, "", err
	}
	var unstamped error
	if len(attest.Authorities) > 0 {
		in.Stamp = func(tags []byte) ([]bundle.Token, error) {
			var out []bundle.Token
			for _, a := range attest.Authorities {
				t, err := a.Stamp(ctx, nil, tags)
				if err != nil {
					unstamped = errors.Join(unstamped, fmt.Errorf("%s: %w", a.Name, err))
					continue
				}
				out = append(out, bundle.Token{Authority: a.Name, TSR: t.Response})
			}
			if len(out) == 0 {
				return nil, unstamped
			}
			return out, nil
		}
	}
	for {
		h := sha256.New()
		sum, err := bundle.Write(io.MultiWriter(f, h), in)
		if err != nil && in.Stamp != nil && unstamped != nil && ctx.Err() == nil {
			in.Stamp = nil
			if err := errors.Join(f.Truncate(0), rewind(f)); err != nil {
				return sum, "", err
			}
			continue
		}
		if err == nil {
			err = errors.Join(f.Sync(), f.Chmod(0o600))
		}
		if unstamped != nil {
			sum.Warnings = append(sum.Warnings, "without a time stamp of "+unstamped.Error())
		}
		return sum, hex.EncodeToString(h.Sum(nil)), err
	}
}

func rewind(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}
