package search

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

// The reasons for a message of which nothing is recorded.
const (
	notAsked = `name servers are not asked ("dkim" in the configuration)`
	notYet   = "nobody has looked yet"
)

// authenticity says what is recorded of a message's signatures; from is its author's
// address.
func (s VaultStore) authenticity(ref archive.Ref, from string) (a *Authenticity, err error) {
	err = s.Vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		b, err := c.Blob(ref)
		if err != nil {
			return err
		}
		entry, err := c.Auth(b.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			a = &Authenticity{State: "not checked", Why: notYet, Entry: -1, Signatures: []Signature{}}
			if v, ok := s.Vault.(interface{ Asks() bool }); ok && !v.Asks() {
				a.Why = notAsked
			}
			return nil
		}
		if err != nil {
			return err
		}
		line, err := l.Line(entry)
		if err != nil {
			return err
		}
		e, err := ledger.Decode(line)
		if err != nil {
			return err
		}
		x, ok := e.Fact.(ledger.AuthResult)
		if !ok || x.Blob != ref.Hex() {
			return fmt.Errorf("ledger entry %d is not about the signatures of %v", entry, ref)
		}
		a = authenticityOf(x, from)
		a.Entry, a.Checked = entry, &e.Time
		return nil
	})
	if err != nil {
		err = fmt.Errorf("finding what is known of the signatures of %v: %w", ref, err)
	}
	return a, err
}

func authenticityOf(x ledger.AuthResult, from string) *Authenticity {
	a := &Authenticity{State: x.State, Why: x.Why, Signatures: []Signature{}}
	if x.AuthServ != "" {
		a.Received = &ReceivedWord{Server: x.AuthServ, Results: x.Stated, Header: x.AuthHeader}
	}
	for _, s := range x.Signatures {
		out := Signature{State: s.State, Why: s.Why, Domain: s.Domain, Aligned: dkim.Aligned(s.Domain, from), Selector: s.Selector, Algorithm: s.Algorithm, Canon: s.Canon,
			Headers: split(s.Headers, ":"), Uncovered: split(s.Uncovered, ", "), Signed: unixTime(s.Signed), Expires: unixTime(s.Expires), KeyEntry: s.Key}
		if s.Length >= 0 {
			out.Length = &s.Length
		}
		a.Signatures = append(a.Signatures, out)
	}
	return a
}

func split(s, sep string) []string {
	if s == "" {
		return []string{}
	}
	return strings.Split(s, sep)
}

func unixTime(s int64) *time.Time {
	if s == 0 {
		return nil
	}
	t := time.Unix(s, 0).UTC()
	return &t
}
