package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/indexer/ledger"
	"inwriting/search/bundle"
)

// keysDoc is the document "inwriting.keys/v1": the keys that signed the ledger.
type keysDoc struct {
	Schema string   `json:"schema"`
	Keys   []keyDoc `json:"keys"` // oldest first; the last one signs
}

type keyDoc struct {
	VKey        string     `json:"vkey"`
	Fingerprint string     `json:"fingerprint"` // as ssh-keygen -l prints it
	From        int64      `json:"from"`        // it signs states with more entries than that
	Since       *time.Time `json:"since"`
	Retired     string     `json:"retired,omitempty"` // why it signs no more
	// Vouched says that the key before it signed the state that names it.
	Vouched bool `json:"vouched"`
}

func keysOf(l *ledger.Ledger) (*keysDoc, error) {
	changes, err := l.KeyChanges()
	if err != nil {
		return nil, err
	}
	d := &keysDoc{Schema: "inwriting.keys/v1", Keys: []keyDoc{}}
	for i, k := range l.Keys() {
		doc := keyDoc{VKey: k.VKey, From: k.From}
		if _, doc.Fingerprint, err = ledger.SSHKey(k.VKey); err != nil {
			return nil, err
		}
		line, err := l.Line(max(0, k.From-1))
		if err != nil {
			return nil, err
		}
		e, err := ledger.Decode(line)
		if err != nil {
			return nil, err
		}
		doc.Since = &e.Time
		if i > 0 {
			doc.Vouched = changes[i-1].Vouched
		}
		if i < len(changes) {
			doc.Retired = retiredFor(l, changes[i])
		}
		d.Keys = append(d.Keys, doc)
	}
	return d, nil
}

// retiredFor is why the old key of a change signs no more.
func retiredFor(l *ledger.Ledger, c ledger.KeyChange) string {
	if line, err := l.Line(c.Entry + 1); err == nil {
		if e, err := ledger.Decode(line); err == nil {
			if f, ok := e.Fact.(ledger.KeyRetired); ok {
				return f.Reason
			}
		}
	}
	return "another took its place"
}

func writeKeys(w io.Writer, d *keysDoc) {
	for i, k := range d.Keys {
		state := "signs"
		if k.Retired != "" {
			state = "retired: " + k.Retired
		}
		fmt.Fprintf(w, "%s  since %s, %s entries and more; %s\n", k.Fingerprint, k.Since.Format("2 January 2006 15:04:05 MST"), number(int(k.From)), clean(state))
		fmt.Fprintf(w, "  %s\n", k.VKey)
		if i > 0 && !k.Vouched {
			fmt.Fprintln(w, "  the key before it was lost and did not sign the change: give this one to whoever has the old one")
		}
	}
}

func (a *app) ledgerKeysCmd() *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "List the keys that signed the ledger, the one in force last", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			var d keysDoc
			if err := a.askLedger(c, ledgerArgs{Do: "keys"}, &d); err != nil {
				return err
			}
			return a.printKeys(&d)
		},
	}
}

func (a *app) printKeys(d *keysDoc) error {
	switch {
	case a.json:
		return writeJSON(a.out, d)
	case a.plain:
		for _, k := range d.Keys {
			plainLine(a.out, k.VKey, k.Fingerprint, fmt.Sprint(k.From), k.Retired)
		}
	default:
		writeKeys(a.out, d)
	}
	return nil
}

func (a *app) ledgerRotateCmd() *cobra.Command {
	args := ledgerArgs{Do: "rotate"}
	c := &cobra.Command{
		Use: "rotate --reason WORDS", Short: "Have a new key sign from now on", Args: exactly(0),
		Long: `Rotate makes a new signing key. The old key signs the ledger as it is, entries name
the new key and retire the old one, and both keys sign the state with these entries:
whoever knows the old key can follow. Receipts, proofs, time stamps and bundles of
before stay good, and are checked with the key of their time; later bundles carry all
keys. It also works when the old key was lost; then nothing but the entries vouches
for the new one.

The old private key is kept in keys/ for "export --as-of"; --destroy does not keep it.`,
		Example: "  inwriting ledger rotate --reason \"yearly\"\n  inwriting ledger keys",
		RunE: func(c *cobra.Command, _ []string) error {
			if args.Reason = strings.TrimSpace(args.Reason); args.Reason == "" {
				return usage("rotate needs --reason WORDS; the ledger keeps them")
			}
			var d keysDoc
			if err := a.askLedger(c, args, &d); err != nil {
				return err
			}
			return a.printKeys(&d)
		},
	}
	c.Flags().StringVar(&args.Reason, "reason", "", "`WORDS` that the ledger keeps")
	c.Flags().BoolVar(&args.Destroy, "destroy", false, "do not keep the old private key")
	return c
}

// keyChangesOf are the changes of the signing key among the first size entries, with
// what proves them in a bundle.
func keyChangesOf(l *ledger.Ledger, size int64) ([]bundle.KeyChange, error) {
	changes, err := l.KeyChanges()
	if err != nil {
		return nil, err
	}
	var out []bundle.KeyChange
	for _, c := range changes {
		if c.Size > size {
			break
		}
		b := bundle.KeyChange{VKey: c.Old, Size: c.Size, Note: c.Note}
		if b.Consistency, err = l.Consistency(c.Size); err != nil {
			return nil, err
		}
		for i, e := range []*bundle.Entry{&b.Added, &b.Retired} {
			if e.Line, err = l.Line(c.Entry + int64(i)); err != nil {
				return nil, err
			}
			if e.Proof, err = l.Prove(c.Entry + int64(i)); err != nil {
				return nil, err
			}
		}
		out = append(out, b)
	}
	return out, nil
}
