package main

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/ledger"
	"inwriting/search/bundle"
	"inwriting/search/trail"
)

// collection is how mailboxes were read, as the ledger tells it.
type collection struct {
	accounts map[int64]*bundle.Account
	order    []int64 // of accounts
	folders  map[int64]*collectedFolder
	skews    []bundle.Skew
	over     map[int64]numbering // by account: what its folders' numbers did since the last pass over it
}

// numbering is what the numbers of messages did between two passes over a mailbox.
type numbering struct {
	folders int   // that could be compared
	unseen  int64 // numbers that the server gave to messages that nobody saw
	anew    bool  // a folder began anew
}

// step compares a pass over a folder with the one before it.
func (c *collection) step(x *collectedFolder, f ledger.Sync) {
	n := c.over[x.account]
	switch was := x.last; {
	case was.UIDNext == 0 || f.UIDNext == 0:
	case was.UIDValidity != f.UIDValidity:
		n.anew = true
	default:
		n.folders++
		n.unseen += max(0, int64(f.UIDNext)-int64(was.UIDNext)-f.New)
	}
	c.over[x.account], x.last = n, f
}

type collectedFolder struct {
	account     int64
	name        string
	first, gone time.Time
	last        ledger.Sync // the newest pass
}

// collected tells from the first size entries of the ledger how the mailboxes of the
// coverage were read, and since when.
func collected(l *ledger.Ledger, size int64, in *bundle.Input) error {
	c := collection{accounts: map[int64]*bundle.Account{}, folders: map[int64]*collectedFolder{}, over: map[int64]numbering{}}
	wanted := map[string]bool{}
	for _, m := range in.Trail.Coverage.Mailboxes {
		wanted[strings.ToLower(m.Address)] = true
	}
	// Most entries are of messages: only the others are decoded.
	var kinds [][]byte
	for _, f := range []ledger.Fact{ledger.AccountAdded{}, ledger.AccountRole{}, ledger.Acquisition{}, ledger.ClockSkew{}, ledger.MailboxAdded{}, ledger.MailboxListed{}, ledger.MailboxRenamed{}, ledger.MsgGone{}, ledger.Sync{}, ledger.Import{}} {
		kinds = append(kinds, []byte(`"type":"`+f.EntryType()+`"`))
	}
	err := l.Entries(0, func(index int64, line []byte) error {
		if index >= size || !slices.ContainsFunc(kinds, func(k []byte) bool { return bytes.Contains(line, k) }) {
			return nil
		}
		e, err := ledger.Decode(line)
		if err == nil {
			c.add(e, wanted)
		}
		return err
	})
	for _, id := range c.order {
		in.Accounts = append(in.Accounts, *c.accounts[id])
	}
	in.Skews = c.skews
	c.fill(in.Trail.Coverage.Mailboxes)
	return err
}

func (c *collection) add(e ledger.Entry, wanted map[string]bool) {
	switch f := e.Fact.(type) {
	case ledger.AccountAdded:
		if wanted[strings.ToLower(f.Address)] {
			c.accounts[f.Account] = &bundle.Account{Address: f.Address, Host: f.Host, Source: f.Source, Gaps: []bundle.SyncGap{}}
			c.order = append(c.order, f.Account)
		}
	case ledger.AccountRole:
		if a := c.accounts[f.Account]; a != nil {
			a.Role, a.Authority, a.Stated = f.Role, f.Authority, e.Time
		}
	case ledger.Acquisition:
		a := c.accounts[f.Account]
		at, err := time.Parse(time.RFC3339, f.Ended)
		if a == nil || err != nil || f.State != "" {
			return
		}
		if a.Passes++; a.First.IsZero() {
			a.First = at
		} else if at.Sub(a.Last) > 24*time.Hour {
			g := c.over[f.Account]
			a.Gaps = append(a.Gaps, bundle.SyncGap{From: a.Last, To: at, Continuous: g.folders > 0 && !g.anew && g.unseen == 0, Unseen: g.unseen})
		}
		a.Last = at
		delete(c.over, f.Account)
	case ledger.ClockSkew:
		c.skews = append(c.skews, bundle.Skew{Authority: f.Authority, Milliseconds: f.Clock, At: e.Time})
	case ledger.MailboxAdded:
		c.folders[f.Mailbox] = &collectedFolder{account: f.Account, name: f.Display}
	case ledger.Sync:
		x := c.folder(f.Mailbox)
		x.read(f.Ended)
		c.step(x, f)
	case ledger.Import:
		for _, x := range c.folders {
			if x.account == f.Account {
				x.read(f.Ended)
			}
		}
	case ledger.MsgGone:
		c.folder(f.Mailbox).missed(f.FirstMissed)
	case ledger.MailboxListed:
		if !f.Listed {
			c.folder(f.Mailbox).missed(e.Time.Format(time.RFC3339))
		}
	case ledger.MailboxRenamed:
		c.folder(f.From).missed(e.Time.Format(time.RFC3339))
	}
}

func (c *collection) folder(id int64) *collectedFolder {
	if f := c.folders[id]; f != nil {
		return f
	}
	return &collectedFolder{} // of no account: nobody asks
}

func (f *collectedFolder) read(at string) { earliest(&f.first, at) }

func (f *collectedFolder) missed(at string) { earliest(&f.gone, at) }

func earliest(t *time.Time, at string) {
	if x, err := time.Parse(time.RFC3339, at); err == nil && (t.IsZero() || x.Before(*t)) {
		*t = x
	}
}

// fill puts into the coverage what the ledger knows of its folders.
func (c *collection) fill(mailboxes []trail.MailboxCoverage) {
	type place struct{ address, folder string }
	by := map[place]*collectedFolder{}
	for _, f := range c.folders {
		if a := c.accounts[f.account]; a != nil {
			by[place{strings.ToLower(a.Address), f.name}] = f
		}
	}
	for i := range mailboxes {
		for j := range mailboxes[i].Folders {
			f := &mailboxes[i].Folders[j]
			if f.Excluded {
				f.Reason = "left out by its owner's settings"
			}
			k := by[place{strings.ToLower(mailboxes[i].Address), f.Name}]
			if k == nil {
				continue
			}
			if !k.first.IsZero() {
				f.FirstSync = &k.first
			}
			if !k.gone.IsZero() {
				f.GoneSince = &k.gone
			}
		}
	}
}
