package search

import (
	"context"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
	"inwriting/search/trail"
)

// Counting a large vault takes as long as answering, and while mail pours in the
// counts change with each commit. They are counted once for all who ask meanwhile,
// and again only when something changed; of a large vault not more often than every
// coverageGood: what an answer says of its coverage is what it was at that moment.
const (
	coverageGood = 2 * time.Second
	largeVault   = 5000 // messages
)

// counted keeps the coverage of a vault between answers. It is never changed once
// it is kept: answers copy what they add to.
type counted struct {
	mu     sync.Mutex
	kept   *trail.Coverage // with Absent
	basis  coverageBasis
	at     time.Time
	making chan struct{} // closed when whoever counts is done; nil when nobody does
}

// coverageBasis is what a coverage follows from.
type coverageBasis struct {
	catalog *catalog.Catalog
	changes uint64
	entries int64 // under the checkpoint
}

// of returns a copy of the coverage, counted by count when there is none that will do.
func (k *counted) of(ctx context.Context, now coverageBasis, count func() (*trail.Coverage, error)) (*trail.Coverage, error) {
	k.mu.Lock()
	for {
		if k.kept != nil && k.basis.catalog == now.catalog {
			fresh := k.basis == now || k.large() && time.Since(k.at) < coverageGood
			if fresh || k.making != nil && k.large() {
				c := *k.kept
				k.mu.Unlock()
				return &c, nil
			}
		}
		if k.making == nil {
			break
		}
		made := k.making
		k.mu.Unlock()
		select {
		case <-made:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		k.mu.Lock()
	}
	made := make(chan struct{})
	k.making = made
	k.mu.Unlock()
	cov, err := count()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.making = nil
	close(made)
	if err != nil {
		return nil, err
	}
	k.kept, k.basis, k.at = cov, now, time.Now()
	c := *cov
	return &c, nil
}

func (k *counted) large() bool {
	n := 0
	for _, m := range k.kept.Mailboxes {
		for _, f := range m.Folders {
			n += f.Stored
		}
	}
	return n >= largeVault
}

// Coverage implements Store. It names no absent messages.
func (s VaultStore) Coverage(ctx context.Context) (*trail.Coverage, error) {
	cov, err := s.covered(ctx)
	if err == nil {
		cov.Absent = []string{}
	}
	return cov, err
}

// maxAbsent bounds how many absent messages coverage names: mail of lists cites
// more than anybody reads.
const maxAbsent = 1000

// covered is Coverage with the absent messages.
func (s VaultStore) covered(ctx context.Context) (*trail.Coverage, error) {
	var cov *trail.Coverage
	err := s.Vault.Stores(func(_ *archive.Archive, l *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		basis := coverageBasis{c, c.Changes(), l.Signed().Size}
		count := func() (*trail.Coverage, error) { return coverage(l, c) }
		var err error
		if s.counted == nil {
			cov, err = count()
		} else {
			cov, err = s.counted.of(ctx, basis, count)
		}
		return err
	})
	return cov, err
}

func coverage(l *ledger.Ledger, c *catalog.Catalog) (*trail.Coverage, error) {
	cov := &trail.Coverage{Mailboxes: []trail.MailboxCoverage{}, Absent: []string{}}
	indexed, _, err := c.Cursor("read")
	if err != nil {
		return nil, err
	}
	accounts, err := c.Accounts()
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		m, err := mailboxCoverage(c, a, indexed)
		if err != nil {
			return nil, err
		}
		cov.Mailboxes = append(cov.Mailboxes, m)
	}
	absent, err := c.Absent(maxAbsent)
	if err != nil {
		return nil, err
	}
	cov.Absent = bracketed(absent)
	if cp := l.Signed(); cp.Size > 0 {
		cov.Checkpoint = &trail.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root, Time: cp.Time}
	}
	return cov, nil
}

// bracketed puts Message-IDs between angle brackets.
func bracketed(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = "<" + id + ">"
	}
	return out
}

func mailboxCoverage(c *catalog.Catalog, a catalog.Account, indexed int64) (trail.MailboxCoverage, error) {
	m := trail.MailboxCoverage{Address: a.Address, State: "up to date", Detail: a.Detail, Folders: []trail.FolderCoverage{}}
	folders, err := c.Mailboxes(a.ID)
	if err != nil {
		return m, err
	}
	open, synced := 0, false
	for _, f := range folders {
		n, err := c.Count(f.ID, f.UIDValidity, indexed)
		if err != nil {
			return m, err
		}
		fc := trail.FolderCoverage{Name: f.Display, Server: f.Server, Stored: n.Stored, Indexed: n.Indexed, Quarantined: n.Quarantined, Gone: n.Gone, Erased: n.Erased, LeftOut: n.LeftOut, NotChosen: n.NotChosen, Excluded: f.Excluded,
			From: optional(n.From), To: optional(n.To), LastSync: optional(f.LastSync)}
		m.Folders = append(m.Folders, fc)
		open += n.Listed + n.Quarantined
		synced = synced || !f.LastSync.IsZero()
	}
	switch {
	case a.Source == "import":
		m.State = "imported"
	case a.State != "":
		m.State = a.State
	case !synced:
		m.State = "never read"
	case open > 0:
		m.State = "incomplete"
	}
	return m, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
