package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/ledger"
	"inwriting/search/trail"
)

// bag is a bundle on its way.
type bag struct {
	in       Input
	time     time.Time
	cp       ledger.Checkpoint
	taken    []*exhibit // in the order given
	exhibits []*exhibit // those that go in, numbered
	outside  []*exhibit // Ref, Open, Line and Proof are set
	withheld []withheld
	left     map[archive.Ref]bool // not in the core
	byRef    map[archive.Ref]*exhibit

	foreign   []foreign
	privilege []foreign // of is the code
	lawyers   []needle
	redact    []redaction
	holds     []Hold
	masked    int   // names in lists that a mark stands for
	leak      error // of the gate; the first stays

	p     *packer
	pages map[string]int // by destination in the PDF
	fonts []indexFont
	sum   Summary
}

// withheld is a message that is listed, without what it says.
type withheld struct {
	Withheld
	date time.Time
	dir  string
}

func unsound(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsound, fmt.Sprintf(format, args...))
}

// prepare checks the input, reads every message once, and settles what goes in.
// Nothing is written before it is through.
func prepare(in Input) (*bag, error) {
	b, err := begin(in)
	if err != nil {
		return nil, err
	}
	for i, x := range b.in.Exhibits {
		b.tell("looking through", i, len(b.in.Exhibits))
		if b.byRef[x.Ref] != nil {
			return nil, unsound("message %s is an exhibit twice", x.Ref)
		}
		t, err := b.take(x)
		if err != nil {
			return nil, err
		}
		b.taken = append(b.taken, t)
		b.byRef[x.Ref] = t
	}
	for i := range b.in.Outside {
		if err := b.takeOutside(i); err != nil {
			return nil, err
		}
	}
	// Quotes are compared before anything is taken out of them.
	for _, e := range b.in.Trail.Entries {
		if err := b.quoted(&e, "message"); err != nil {
			return nil, err
		}
	}
	b.screenRest()
	gone, err := b.settle()
	if err != nil {
		return nil, err
	}
	if err := b.keeps(); err != nil {
		return nil, err
	}
	for _, x := range b.outside {
		if _, ok := gone[x.Ref]; !ok && x.redacted {
			gone[x.Ref] = Withheld{Ref: x.Ref, Code: "NOT-SEARCHED", Basis: darkReason}
		}
	}
	if err := b.ownTrail(); err != nil {
		return nil, err
	}
	b.withhold(gone)
	b.core()
	b.mask()
	b.order()
	if len(b.redact) > 0 {
		for _, x := range b.taken {
			if x.redacted {
				b.hideText(x)
			}
		}
		if err := b.hideTrail(); err != nil {
			return nil, err
		}
		b.in.Title, b.in.Window, b.in.Cover = b.hide(b.in.Title), b.hide(b.in.Window), b.hide(b.in.Cover)
		for i := range b.in.Outside {
			o := &b.in.Outside[i]
			o.Name, o.Note = b.hide(o.Name), b.hide(o.Note)
			b.outside[i].Info.Subject = o.Name
		}
	}
	clear(b.byRef)
	for i, x := range b.taken {
		b.number(x, i)
	}
	for _, e := range b.in.Trail.Entries {
		if err := b.quoted(&e, "redacted message"); err != nil {
			return nil, err
		}
	}
	sel := b.selection()
	name := fmt.Sprintf("%s_%s_%x", slug(b.in.Title, 25), b.time.Format(time.DateOnly), sel[:4])
	if b.in.Core {
		name += "-core"
	}
	if len(b.redact) > 0 {
		name += "-redacted"
	}
	b.sum.Root, b.sum.Selection = name, hex.EncodeToString(sel[:])
	b.gate("the name of the folder", name)
	return b, b.leak
}

// begin checks what needs no message.
func begin(in Input) (*bag, error) {
	if in.Profile == "" {
		in.Profile = "client"
	}
	if !slices.Contains(Profiles, in.Profile) {
		return nil, fmt.Errorf("profile %q: want one of %s", in.Profile, strings.Join(Profiles, ", "))
	}
	if in.Profile == "court" {
		in.Profile = "court-uk"
	}
	if in.Trail == nil || in.Trail.Coverage.Checkpoint == nil {
		return nil, unsound("the trail has no checkpoint in its coverage")
	}
	if in.Title == "" {
		in.Title = in.Trail.Question
	}
	in.VKey = strings.TrimSpace(in.VKey)
	in.First = max(in.First, 1)
	in.Outside = slices.Clone(in.Outside)
	b := &bag{in: in, byRef: map[archive.Ref]*exhibit{}}
	var err error
	if b.cp, err = ledger.ParseCheckpoint(in.Checkpoint, in.VKey); err != nil {
		return nil, unsound("%v", err)
	}
	pem, err := ledger.PublicKeyPEM(in.VKey)
	if err != nil || !bytes.Equal(pem, in.PublicKeyPEM) {
		return nil, unsound("the public key is not the one of %q", in.VKey)
	}
	// The size a zip can date: 1980 is the first year of its clock.
	b.time = in.Trail.Coverage.Checkpoint.Time.UTC().Truncate(time.Second)
	if b.time.Year() < 1980 {
		return nil, unsound("the checkpoint has no time")
	}
	if c := in.Trail.Coverage.Checkpoint; c.Size != b.cp.Size || c.Root != b.cp.Root || c.Origin != b.cp.Origin {
		return nil, unsound("the coverage names another checkpoint (%d entries) than the one that is signed (%d)", c.Size, b.cp.Size)
	}
	if err := b.checkChanges(); err != nil {
		return nil, err
	}
	b.foreign = foreigners(in.People, in.Client)
	for _, w := range privilege {
		b.privilege = append(b.privilege, foreign{newNeedle(w.words, true), w.code})
	}
	for _, l := range in.Lawyers {
		b.lawyers = append(b.lawyers, newNeedle(strings.TrimPrefix(l, "@"), true))
	}
	b.redact, err = redactions(in.Redactions)
	return b, err
}

func (b *bag) tell(label string, done, total int) {
	if b.in.Progress != nil {
		b.in.Progress(label, done, total)
	}
}

// quoted checks that the quote of an entry is in the text of its message.
func (b *bag) quoted(e *trail.Entry, what string) error {
	s := &e.Statement
	x := b.byRef[s.Message.Ref]
	if x == nil {
		return unsound("entry %d quotes %s %s, which is no exhibit", e.N, what, s.Message.Ref)
	}
	if got, ok := runeSlice(x.Text, s.Start, s.End); !ok || got != s.Quote {
		return unsound("the quote of entry %d is not in the text of %s %s at characters %d to %d", e.N, what, s.Message.Ref, s.Start, s.End)
	}
	return nil
}

// ownTrail makes the trail ours: it is changed from here on. Notes to a matter are
// for those who keep it.
func (b *bag) ownTrail() error {
	raw, err := json.Marshal(b.in.Trail)
	if err != nil {
		return err
	}
	t := &trail.Trail{}
	if err := json.Unmarshal(raw, t); err != nil {
		return err
	}
	for i := range t.Entries { // JSON has no invalid UTF-8
		t.Entries[i].Statement.Quote = b.in.Trail.Entries[i].Statement.Quote
	}
	if t.Matter != nil {
		t.Matter.Notes = nil
	}
	t.Near = nil
	b.in.Trail = t
	return nil
}

// withhold takes messages out, and everything that was said from them. Numbers of
// statements stay: what is missing is to be seen.
func (b *bag) withhold(gone map[archive.Ref]Withheld) {
	if len(gone) == 0 {
		return
	}
	var kept []*exhibit
	for _, x := range b.taken {
		w, ok := gone[x.Ref]
		if !ok {
			kept = append(kept, x)
			continue
		}
		delete(b.byRef, x.Ref)
		b.withheld = append(b.withheld, withheld{w, x.Info.Date, b.direction(x.Info.From, x.Info.To)})
	}
	b.taken = kept
	var outside []*exhibit
	var files []Outside
	for i, x := range b.outside {
		if w, ok := gone[x.Ref]; ok {
			b.withheld = append(b.withheld, withheld{w, b.in.Outside[i].Taken, "outside"})
			continue
		}
		outside, files = append(outside, x), append(files, b.in.Outside[i])
		x.name = fmt.Sprintf("X%04d", len(outside))
	}
	b.outside, b.in.Outside = outside, files
	t := b.in.Trail
	t.Exhibits = slices.DeleteFunc(t.Exhibits, func(x trail.Exhibit) bool { _, ok := gone[x.Ref]; return ok })
	out := map[int]bool{}
	t.Entries = slices.DeleteFunc(t.Entries, func(e trail.Entry) bool {
		_, ok := gone[e.Statement.Message.Ref]
		out[e.N] = ok
		return ok
	})
	for i := range t.Entries {
		t.Entries[i].Links = slices.DeleteFunc(t.Entries[i].Links, func(l trail.Link) bool { return out[l.N] })
	}
	t.Findings = slices.DeleteFunc(t.Findings, func(f trail.Finding) bool { return out[f.A] || out[f.B] || out[f.ExplainedBy] })
	t.Standings = nil
	if slices.ContainsFunc(t.Summary.Statements, func(n int) bool { return out[n] }) {
		t.Summary = trail.Summary{Text: "No summary is given: it would tell of a message that is withheld.", Statements: []int{}}
	}
}

// core leaves the messages that summary and findings rest on, with the claim.
func (b *bag) core() {
	if !b.in.Core {
		return
	}
	t := b.in.Trail
	cited := map[int]bool{}
	for _, n := range t.Summary.Statements {
		cited[n] = true
	}
	for _, f := range t.Findings {
		cited[f.A], cited[f.B], cited[f.ExplainedBy] = true, true, true
	}
	if c := b.claim(); c != nil {
		cited[c.N] = true
	}
	keep := map[archive.Ref]bool{}
	for _, e := range t.Entries {
		if cited[e.N] {
			keep[e.Statement.Message.Ref] = true
		}
	}
	t.Entries = slices.DeleteFunc(t.Entries, func(e trail.Entry) bool { return !keep[e.Statement.Message.Ref] })
	b.left = map[archive.Ref]bool{}
	b.taken = slices.DeleteFunc(b.taken, func(x *exhibit) bool {
		if !keep[x.Ref] {
			delete(b.byRef, x.Ref)
			b.left[x.Ref] = true
		}
		return !keep[x.Ref]
	})
}

// mask takes other clients' names out of the lists of folders and of absent messages:
// there they say nothing of the matter, and a mark in their place says enough.
func (b *bag) mask() {
	own := bag{}
	for _, f := range b.foreign {
		own.redact = append(own.redact, redaction{[]needle{f.needle}, "[WITHHELD: OTHER-CLIENT]"})
	}
	hide := func(s *string) {
		if out := own.hide(*s); out != *s {
			*s = out
			b.masked++
		}
	}
	t := b.in.Trail
	for i := range t.Coverage.Mailboxes {
		m := &t.Coverage.Mailboxes[i]
		hide(&m.Detail)
		for j := range m.Folders {
			hide(&m.Folders[j].Name)
		}
	}
	for i := range t.Coverage.Absent {
		hide(&t.Coverage.Absent[i])
	}
}

// order puts what the reader looks for first in front: an insurer the claim.
func (b *bag) order() {
	if b.in.Profile != "insurer" {
		return
	}
	claim := b.claim()
	if claim == nil {
		return
	}
	ref := claim.Statement.Message.Ref
	slices.SortStableFunc(b.taken, func(x, y *exhibit) int {
		switch {
		case x.Ref == ref && y.Ref != ref:
			return -1
		case y.Ref == ref && x.Ref != ref:
			return 1
		}
		return 0
	})
}

// claim is the first statement that disputes something; nil for none.
func (b *bag) claim() *trail.Entry {
	for i := range b.in.Trail.Entries {
		if e := &b.in.Trail.Entries[i]; e.Statement.Kind == "dispute" && e.Statement.Speaker.Role != trail.Us {
			return e
		}
	}
	return nil
}

// selection names what was chosen: the question, whom it is for, and the messages.
func (b *bag) selection() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n%q\n%q\n%q\n", b.in.Trail.Question, b.in.Title, b.in.Profile, b.in.Cover)
	for _, x := range slices.Concat(b.exhibits, b.outside) {
		fmt.Fprintln(h, x.Ref.Hex(), x.redacted)
	}
	for _, w := range b.withheld {
		fmt.Fprintln(h, w.Ref.Hex(), w.Code)
	}
	fmt.Fprintln(h, b.in.First)
	return [sha256.Size]byte(h.Sum(nil))
}
