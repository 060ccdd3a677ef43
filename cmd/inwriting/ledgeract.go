package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
	"inwriting/indexer/textindex"
)

// ledgerArgs are the arguments of the action "ledger".
type ledgerArgs struct {
	Do    string `json:"do"`   // list, show, checkpoint, prove, anchor, check, keys, rotate
	Item  string `json:"item"` // entry number, or message
	Old   int64  `json:"old"`  // prove growth from so many entries
	Type  string `json:"type"`
	From  int64  `json:"from"`
	Limit int64  `json:"limit"`
	Note  []byte `json:"note"` // check: a checkpoint

	Reason  string `json:"reason,omitempty"`  // rotate: why
	Destroy bool   `json:"destroy,omitempty"` // rotate: do not keep the old key
}

var (
	errNoEntry    = errors.New("no such ledger entry")
	errNotOurs    = errors.New("the ledger does not continue what this receipt says")
	errNoReceipt  = errors.New("no checkpoint is in it")
	errNobodyElse = errors.New("no authority is configured")
)

// entryDoc is one ledger entry.
type entryDoc struct {
	Schema string     `json:"schema,omitempty"`
	Index  int64      `json:"index"`
	Time   *time.Time `json:"time"` // null when it was erased
	Type   string     `json:"type"`
	Text   string     `json:"text"` // in plain words
	Leaf   string     `json:"leaf"` // leaf hash, base64
	Line   string     `json:"line"` // as it is kept: its octets are the leaf
}

// ledgerDoc is the document "inwriting.ledger/v1".
type ledgerDoc struct {
	Schema  string     `json:"schema"`
	Size    int64      `json:"size"`
	Entries []entryDoc `json:"entries"`
}

// checkpointDoc is the document "inwriting.checkpoint/v1".
type checkpointDoc struct {
	Schema      string      `json:"schema"`
	Origin      string      `json:"origin"`
	Size        int64       `json:"size"`
	Root        string      `json:"root"` // base64
	Head        string      `json:"head"` // its first digits, for people
	Time        time.Time   `json:"time"` // of the newest entry
	VKey        string      `json:"vkey"`
	KeyID       string      `json:"key_id"`
	Fingerprint string      `json:"fingerprint"` // as ssh-keygen -l prints it
	Note        string      `json:"note"`
	Anchors     []anchorDoc `json:"anchors"`
	Unanchored  int64       `json:"unanchored"` // entries behind the newest time stamp
}

type anchorDoc struct {
	Authority string    `json:"authority"`
	Size      int64     `json:"size"`
	Time      time.Time `json:"time"`
	Subject   string    `json:"subject"`
	Expires   time.Time `json:"expires"` // of its certificates; the stamp stays good
}

// proofDoc is the document "inwriting.proof/v1": of an entry, or of growth.
type proofDoc struct {
	Schema string `json:"schema"`
	Index  int64  `json:"index,omitempty"`
	Old    int64  `json:"old,omitempty"`
	Size   int64  `json:"size"`
	Entry  string `json:"entry,omitempty"` // the line; its octets are the leaf
	Proof  string `json:"proof"`
}

// receiptCheck is the document "inwriting.receipt-check/v1".
type receiptCheck struct {
	Schema  string     `json:"schema"`
	OK      bool       `json:"ok"`
	Size    int64      `json:"size"`           // of the receipt
	Time    *time.Time `json:"time,omitempty"` // of its newest entry
	Now     int64      `json:"now"`            // entries today
	Problem string     `json:"problem,omitempty"`
}

func (s *service) ledger(ctx context.Context, args ledgerArgs) (out any, err error) {
	switch args.Do {
	case "anchor":
		return s.anchorNow(ctx)
	case "rotate":
		if _, _, err := s.vault.ChangeKey(args.Reason, !args.Destroy); err != nil {
			return nil, err
		}
	}
	err = s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		switch args.Do {
		case "list":
			out, err = listEntries(l, args)
		case "show":
			var index int64
			if index, err = entryIndex(c, l, args.Item); err == nil {
				out, err = showEntry(l, index)
			}
		case "checkpoint":
			out, err = newCheckpoint(l)
		case "prove":
			out, err = prove(l, c, args)
		case "check":
			out, err = checkReceipt(l, args.Note)
		case "keys", "rotate":
			out, err = keysOf(l)
		default:
			err = usage("ledger %q: no such action", args.Do)
		}
		return err
	})
	return out, err
}

func docOf(index int64, line []byte) (entryDoc, error) {
	e, err := ledger.Decode(line)
	if err != nil {
		return entryDoc{}, err
	}
	leaf, erased := ledger.LeafHash(line)
	d := entryDoc{Index: index, Type: e.Type, Text: entryText(e.Fact), Leaf: leaf, Line: string(line)}
	if !erased {
		d.Time = &e.Time
	}
	return d, nil
}

func listEntries(l *ledger.Ledger, args ledgerArgs) (*ledgerDoc, error) {
	d := &ledgerDoc{Schema: "inwriting.ledger/v1", Size: l.Size(), Entries: []entryDoc{}}
	from := args.From
	if from < 0 || args.Limit > 0 && args.Type == "" && from == 0 {
		from = max(0, d.Size-args.Limit) // the newest, in their order
	}
	if from > d.Size {
		return d, nil
	}
	err := l.Entries(from, func(index int64, line []byte) error {
		e, err := docOf(index, line)
		if err != nil || args.Type != "" && e.Type != args.Type {
			return err
		}
		if d.Entries = append(d.Entries, e); args.Limit > 0 && int64(len(d.Entries)) > args.Limit {
			d.Entries = d.Entries[1:]
		}
		return nil
	})
	return d, err
}

// entryIndex finds an entry by its number, or by the message that it is the first of.
func entryIndex(c *catalog.Catalog, l *ledger.Ledger, item string) (int64, error) {
	if n, err := strconv.ParseInt(strings.ReplaceAll(item, ",", ""), 10, 64); err == nil && !strings.HasPrefix(item, "sha256-") && len(item) < 16 {
		if n < 0 || n >= l.Size() {
			return 0, fmt.Errorf("entry %d: %w; there are %d", n, errNoEntry, l.Size())
		}
		return n, nil
	}
	prefix := strings.ToLower(strings.TrimPrefix(item, "sha256-"))
	if len(prefix) < 6 || strings.Trim(prefix, "0123456789abcdef") != "" {
		return 0, usage("%q is neither an entry's number nor a message's sha256-…", item)
	}
	refs, err := c.RefsWithPrefix(prefix, 2)
	if err != nil {
		return 0, err
	}
	if len(refs) != 1 {
		return 0, fmt.Errorf("message %q: %w", item, errNoEntry)
	}
	b, err := c.Blob(refs[0])
	if err == nil && b.Entry < 0 {
		err = fmt.Errorf("message %q: %w", item, errNoEntry)
	}
	return b.Entry, err
}

func showEntry(l *ledger.Ledger, index int64) (*entryDoc, error) {
	line, err := l.Line(index)
	if err != nil {
		return nil, err
	}
	d, err := docOf(index, line)
	d.Schema = "inwriting.entry/v1"
	return &d, err
}

func newCheckpoint(l *ledger.Ledger) (*checkpointDoc, error) {
	cp, err := l.Checkpoint()
	if err != nil {
		return nil, err
	}
	_, fingerprint, err := ledger.SSHKey(l.VKey())
	if err != nil {
		return nil, err
	}
	d := &checkpointDoc{Schema: "inwriting.checkpoint/v1", Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Head: head(cp.Root), Time: cp.Time,
		VKey: l.VKey(), KeyID: l.KeyFingerprint(), Fingerprint: fingerprint, Note: string(cp.Note), Anchors: []anchorDoc{}}
	kept, err := l.Anchors()
	if err != nil {
		return nil, err
	}
	named, err := namedTokens(l, l.Size())
	if err != nil {
		return nil, err
	}
	newest := int64(0)
	for _, k := range kept {
		sum := sha256.Sum256(k.Token)
		if !named[hex.EncodeToString(sum[:])] {
			continue // put there by nobody that the ledger knows of
		}
		s, err := anchor.Read(k.Token, k.Checkpoint, k.Chain)
		if err != nil {
			return nil, fmt.Errorf("the time stamp of %d entries by %q: %w", k.Size, k.Authority, err)
		}
		newest = max(newest, k.Size)
		d.Anchors = append(d.Anchors, anchorDoc{Authority: k.Authority, Size: k.Size, Time: s.Time, Subject: s.Subject, Expires: s.Expires()})
	}
	if newest == 0 {
		d.Unanchored = cp.Size
		return d, nil
	}
	// The marks that stamping leaves want no stamp of their own.
	err = l.Entries(newest, func(_ int64, line []byte) error {
		e, err := ledger.Decode(line)
		switch e.Fact.(type) {
		case ledger.Anchor, ledger.ClockSkew:
		default:
			d.Unanchored++
		}
		return err
	})
	return d, err
}

// namedTokens are the hashes of the time stamps that the first size entries name.
func namedTokens(l *ledger.Ledger, size int64) (map[string]bool, error) {
	named := map[string]bool{}
	return named, l.Entries(0, func(index int64, line []byte) error {
		if index >= size || !bytes.Contains(line, []byte(`"type":"anchor"`)) {
			return nil
		}
		e, err := ledger.Decode(line)
		if x, ok := e.Fact.(ledger.Anchor); ok {
			named[x.Token] = true
		}
		return err
	})
}

// head is the short form of a root that people can compare.
func head(root string) string {
	b, err := base64.StdEncoding.DecodeString(root)
	if err != nil || len(b) < 4 {
		return ""
	}
	h := hex.EncodeToString(b[:4])
	return h[:4] + " " + h[4:]
}

func prove(l *ledger.Ledger, c *catalog.Catalog, args ledgerArgs) (*proofDoc, error) {
	cp, err := l.Checkpoint()
	if err != nil {
		return nil, err
	}
	d := &proofDoc{Schema: "inwriting.proof/v1", Size: cp.Size}
	if args.Item == "" {
		d.Old = args.Old
		proof, err := l.Consistency(args.Old)
		d.Proof = string(proof)
		return d, err
	}
	if d.Index, err = entryIndex(c, l, args.Item); err != nil {
		return nil, err
	}
	proof, err := l.Prove(d.Index)
	if err != nil {
		return nil, err
	}
	line, err := l.Line(d.Index)
	d.Entry, d.Proof = string(line), string(proof)
	return d, err
}

func checkReceipt(l *ledger.Ledger, note []byte) (*receiptCheck, error) {
	r := &receiptCheck{Schema: "inwriting.receipt-check/v1", Now: l.Size()}
	cp, err := ledger.ParseSigned(note, l.Keys())
	if err != nil {
		r.Problem = fmt.Sprintf("it is not signed by this vault's key: %v", err)
		return r, nil
	}
	r.Size = cp.Size
	if cp.Size > r.Now {
		r.Problem = fmt.Sprintf("it is of %s entries, the ledger has %s: entries are missing", number(int(cp.Size)), number(int(r.Now)))
		return r, nil
	}
	root, err := l.RootAt(cp.Size)
	if err != nil {
		return nil, err
	}
	if root != cp.Root {
		r.Problem = fmt.Sprintf("the first %s entries are not those that it is of: the ledger was replaced or changed", number(int(cp.Size)))
		return r, nil
	}
	r.OK = true
	line, err := l.Line(cp.Size - 1)
	if err != nil {
		return nil, err
	}
	if e, err := ledger.Decode(line); err == nil && !e.Time.IsZero() {
		r.Time = &e.Time
	}
	return r, nil
}

// anchorReport is the document "inwriting.anchor/v1".
type anchorReport struct {
	Schema string       `json:"schema"`
	Stamps []stampedDoc `json:"stamps"`
	Size   int64        `json:"size"`
}

type stampedDoc struct {
	Authority string     `json:"authority"`
	Size      int64      `json:"size"`
	Time      *time.Time `json:"time"`
	Error     string     `json:"error,omitempty"`
}

func (s *service) anchorNow(ctx context.Context) (*anchorReport, error) {
	if !s.vault.Stamps() {
		return nil, errNobodyElse
	}
	got, err := s.vault.Attest(ctx, true, nil)
	if err != nil {
		return nil, err
	}
	r := &anchorReport{Schema: "inwriting.anchor/v1", Stamps: []stampedDoc{}}
	for _, st := range got.Stamps {
		d := stampedDoc{Authority: st.Authority, Size: st.Size, Error: st.Error}
		if !st.Time.IsZero() {
			d.Time = &st.Time
		}
		r.Stamps = append(r.Stamps, d)
	}
	err = s.vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, _ *catalog.Catalog, _ *textindex.Index) error {
		r.Size = l.Size()
		return nil
	})
	return r, err
}
