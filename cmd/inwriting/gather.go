package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
	"inwriting/indexer/textindex"
	"inwriting/search"
	"inwriting/search/bundle"
	"inwriting/search/trail"
)

// bundleInput gathers what a bundle is made of.
func (s *service) bundleInput(ctx context.Context, args *exportArgs) (bundle.Input, error) {
	none := bundle.Input{}
	tr, err := s.Trail(ctx, search.TrailQuery{Question: args.Question})
	if err != nil {
		return none, err
	}
	if len(tr.Entries) == 0 {
		return none, fmt.Errorf("%w about: %s", errNothing, args.Question)
	}
	if args.Title == "" {
		args.Title = args.Question
		if tr.Matter != nil {
			args.Title = tr.Matter.Title
		}
	}
	in := bundle.Input{Trail: tr, Profile: args.For, Title: args.Title, Cover: args.Cover, Version: Version, People: s.peopleNow(), Lawyers: args.Lawyers, Redactions: args.Redact, First: args.First, Core: args.Core}
	if in.Client, err = aboutWhom(in.People, tr, args.Client); err != nil {
		return none, err
	}
	if in.Decisions, err = decisions(args, tr); err != nil {
		return none, err
	}
	if in.Keep, err = keeps(args.Keep); err != nil {
		return none, err
	}
	seen := map[archive.Ref]bool{}
	for _, e := range tr.Entries {
		ref := e.Statement.Message.Ref
		if seen[ref] {
			continue
		}
		seen[ref] = true
		doc, err := s.Message(ctx, ref.String())
		if err != nil {
			return none, fmt.Errorf("gathering the bundle: %w", err)
		}
		in.Exhibits = append(in.Exhibits, bundle.Exhibit{Ref: ref, Info: doc.Message, Text: doc.Text, LedgerIndex: doc.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, ref) }})
		for _, form := range args.BlackOut {
			in.Redactions = append(in.Redactions, bundle.Find(form, doc.Message.Subject+"\n"+doc.Text)...)
		}
	}
	for _, x := range tr.Exhibits {
		in.Outside = append(in.Outside, bundle.Outside{Ref: x.Ref, Name: x.Name, Media: x.Media, Note: x.Note, Taken: x.At, LedgerIndex: x.LedgerIndex,
			Open: func() (io.ReadCloser, int64, error) { return s.Raw(ctx, x.Ref) }})
	}
	if len(args.BlackOut) > 0 && len(in.Redactions) == 0 {
		return none, &exitError{status: exitFailed, err: fmt.Errorf("nothing in the messages looks like %s", strings.Join(args.BlackOut, " or ")), hint: "leave --black-out away, or name the words in a file for --redact"}
	}
	if err := s.seal(&in); err != nil {
		return none, fmt.Errorf("sealing the bundle: %w", err)
	}
	return in, nil
}

// aboutWhom is the one client that the bundle is about: the one that was named, the
// matter's, the one who says most in the trail, or the one who was written to most.
func aboutWhom(people trail.People, tr *trail.Trail, named string) (string, error) {
	if named == "" && tr.Matter != nil {
		named = tr.Matter.Client
	}
	if named != "" {
		for _, c := range people.Clients {
			if strings.EqualFold(c.Name, named) {
				return c.Name, nil
			}
		}
		return "", fmt.Errorf("%w %q", errNoClient, named)
	}
	if len(people.Clients) == 1 {
		return people.Clients[0].Name, nil
	}
	count := map[string]int{}
	tally := func(address string, n int) {
		if role, name := people.Role(address); role == trail.Client {
			count[name] += n
		}
	}
	for _, e := range tr.Entries {
		tally(e.Statement.Speaker.Address, 1000)
		for _, a := range e.Statement.Message.To {
			tally(a, 1)
		}
	}
	best := ""
	for _, c := range people.Clients {
		if n := count[c.Name]; n > count[best] {
			best = c.Name
		}
	}
	return best, nil
}

// decisions reads what was decided on the command line.
func decisions(args *exportArgs, tr *trail.Trail) ([]bundle.Decision, error) {
	var out []bundle.Decision
	split := func(flag, s string) (id, reason string, err error) {
		id, reason, ok := strings.Cut(s, "=")
		id, reason = strings.TrimSpace(id), strings.TrimSpace(reason)
		if !ok || id == "" || reason == "" {
			return "", "", usage("--%s %q: want ID=REASON; the reason is recorded", flag, s)
		}
		return id, reason, nil
	}
	for _, s := range args.Release {
		id, reason, err := split("release", s)
		if err != nil {
			return nil, err
		}
		out = append(out, bundle.Decision{ID: id, Reason: reason})
	}
	for _, s := range args.Withhold {
		id, reason, err := split("withhold", s)
		if err != nil {
			return nil, err
		}
		d := bundle.Decision{ID: id, Withhold: true, Reason: reason}
		if code, rest, ok := strings.Cut(reason, ":"); ok && bundle.Codes[strings.TrimSpace(code)] != "" {
			d.Code, d.Reason = strings.TrimSpace(code), strings.TrimSpace(rest)
		}
		out = append(out, d)
	}
	for _, s := range args.LeaveOut {
		id, reason, err := split("leave-out", s)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(id)
		i := slices.IndexFunc(tr.Entries, func(e trail.Entry) bool { return e.N == n })
		if err != nil || i < 0 {
			return nil, usage("--leave-out %q: the trail has no statement %s", s, id)
		}
		out = append(out, bundle.Decision{ID: tr.Entries[i].Statement.Message.Ref.String(), Withhold: true, Code: "PERSONAL", Reason: reason})
	}
	return out, nil
}

// keeps reads which attachments somebody looked at.
func keeps(list []string) ([]bundle.Keep, error) {
	var out []bundle.Keep
	for _, s := range list {
		id, reason, _ := strings.Cut(s, "=")
		id, reason = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(id), "sha256-")), strings.TrimSpace(reason)
		if len(id) < 8 || strings.Trim(id, "0123456789abcdef") != "" {
			return nil, usage("--keep-attachment %q: want the attachment's SHA-256, or at least eight digits of it", s)
		}
		if reason == "" {
			reason = "looked at"
		}
		out = append(out, bundle.Keep{SHA256: id, Reason: reason})
	}
	return out, nil
}

// seal adds what proves that the exhibits lie in the ledger. It is signed first:
// every exhibit lies under the checkpoint that the bundle carries.
func (s *service) seal(in *bundle.Input) error {
	return s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		cp, err := stateOf(l)
		if err != nil {
			return err
		}
		in.Trail.Coverage.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
		in.Checkpoint, in.VKey = cp.Note, l.VKey()
		in.PublicKeyPEM = l.PublicKeyPEM()
		if in.Signer, err = l.Signer(); err != nil {
			return err
		}
		for i := range in.Exhibits {
			e := &in.Exhibits[i]
			if e.Line, err = l.Line(e.LedgerIndex); err != nil {
				return err
			}
			if e.Proof, err = l.Prove(e.LedgerIndex); err != nil {
				return err
			}
			if err := attested(l, c, e, cp.Size); err != nil {
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
		if in.Changes, err = keyChangesOf(l, cp.Size); err != nil {
			return err
		}
		if in.Anchors, err = anchorsOf(l, cp.Size); err != nil {
			return err
		}
		if err := collected(l, cp.Size, in); err != nil {
			return err
		}
		return population(c, in)
	})
}

// stateOf is the signed state of the ledger that a bundle speaks of. What was recorded
// since of bundles that were given out, and of who looked at what, does not make it
// another: the same question gives the same bundle.
func stateOf(l *ledger.Ledger) (ledger.Checkpoint, error) {
	cp := l.Signed()
	if cp.Size > 0 {
		same := true
		err := l.Entries(cp.Size, func(_ int64, line []byte) error {
			e, err := ledger.Decode(line)
			switch e.Fact.(type) {
			case ledger.Export, ledger.Access:
			default:
				same = false
			}
			return err
		})
		if err == nil && same {
			return cp, nil
		}
	}
	return l.Checkpoint()
}

// attested adds what was found of a message's signatures, as far as it lies under the
// checkpoint.
func attested(l *ledger.Ledger, c *catalog.Catalog, e *bundle.Exhibit, size int64) error {
	b, err := c.Blob(e.Ref)
	if err != nil {
		return err
	}
	at, err := c.Auth(b.ID)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && at >= size {
		return nil
	}
	if err != nil {
		return err
	}
	line, err := l.Line(at)
	if err != nil {
		return err
	}
	entry, err := ledger.Decode(line)
	if err != nil {
		return err
	}
	a, ok := entry.Fact.(ledger.AuthResult)
	if !ok {
		return nil // erased since
	}
	e.Auth = &a
	for _, sig := range a.Signatures {
		if sig.Key >= 0 && sig.Key < size {
			key, err := l.Line(sig.Key)
			if err != nil {
				return err
			}
			e.Keys = append(e.Keys, key)
		}
	}
	return nil
}

// anchorsOf are the time stamps that the first size entries name, of earlier states,
// with the proof that the record only grew since.
func anchorsOf(l *ledger.Ledger, size int64) ([]bundle.Anchor, error) {
	kept, err := l.Anchors()
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	named, err := namedTokens(l, size)
	if err != nil {
		return nil, err
	}
	var out []bundle.Anchor
	for _, k := range kept {
		if sum := sha256.Sum256(k.Token); k.Size > size || !named[hex.EncodeToString(sum[:])] {
			continue
		}
		t, err := anchor.Read(k.Token, k.Checkpoint, k.Chain)
		if err != nil {
			continue // verify --archive says so; it proves nothing
		}
		growth, err := l.Consistency(k.Size)
		if err != nil {
			return nil, err
		}
		out = append(out, bundle.Anchor{Size: k.Size, Authority: k.Authority, Checkpoint: k.Checkpoint, Token: k.Token, Chain: k.Chain, Consistency: growth, GenTime: t.Time})
	}
	return out, nil
}

// maxPopulation bounds the list of messages in the window.
const maxPopulation = 50_000

// population lists every message with the client between the first and the last day of
// the trail.
func population(c *catalog.Catalog, in *bundle.Input) error {
	i := slices.IndexFunc(in.People.Clients, func(p trail.Party) bool { return p.Name == in.Client })
	if i < 0 {
		return nil
	}
	var from, to time.Time
	for _, e := range in.Trail.Entries {
		d := e.Statement.Message.Date
		if d.IsZero() {
			continue
		}
		if from.IsZero() || d.Before(from) {
			from = d
		}
		if d.After(to) {
			to = d
		}
	}
	client := in.People.Clients[i]
	addresses := slices.Clone(client.Addresses)
	for _, d := range client.Domains {
		d = strings.ToLower(strings.TrimPrefix(d, "@"))
		for _, suffix := range []string{"@" + d, "." + d} {
			more, err := c.Addresses(suffix)
			if err != nil {
				return err
			}
			addresses = append(addresses, more...)
		}
	}
	for i, a := range addresses {
		addresses[i] = strings.ToLower(a)
	}
	slices.Sort(addresses)
	addresses = slices.Compact(addresses)
	if len(addresses) == 0 || from.IsZero() {
		return nil
	}
	from = from.UTC().Truncate(24 * time.Hour)
	to = to.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	refs, err := c.With(addresses, from, to, maxPopulation)
	if err != nil {
		return err
	}
	in.Window = fmt.Sprintf("all mail with %s kept from %s to %s", client.Name, from.Format(time.DateOnly), to.Add(-time.Second).Format(time.DateOnly))
	for _, ref := range refs {
		m, err := c.Message(ref)
		if err != nil {
			return err
		}
		l := bundle.Listed{Ref: ref, Date: m.Date, MessageID: m.Doc.MessageID, Refs: slices.Clone(m.Doc.References), Attachments: len(m.Doc.Parts)}
		for _, id := range m.Doc.InReplyTo {
			if !slices.Contains(l.Refs, id) {
				l.Refs = append(l.Refs, id)
			}
		}
		if len(m.Doc.From) > 0 {
			l.From = m.Doc.From[0].Address
		}
		for _, a := range slices.Concat(m.Doc.To, m.Doc.Cc) {
			l.To = append(l.To, a.Address)
		}
		in.Population = append(in.Population, l)
	}
	return nil
}
