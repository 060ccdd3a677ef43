package indexer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"inwriting/indexer/imapsync"
	"inwriting/indexer/ledger"
)

// LeaveOut implements imapsync.Selector.
func (f *folder) LeaveOut(ctx context.Context, uids []uint32, as imapsync.State) error {
	return f.s.v.catalog.LeaveOut(f.m.ID, f.uidValidity, uids, string(as))
}

// chosen records a change of what the settings leave out of an account, and has
// what was left out looked at again.
func (v *Vault) chosen(c *committer, id int64, a imapsync.Account) error {
	now := selection(a)
	setting := "selection of " + a.Address
	was, err := v.catalog.Meta("config " + setting)
	if err != nil || was == now {
		return err
	}
	// Before the ledger says so: what a crash leaves is looked at again, not lost.
	if err := v.catalog.Reconsider(id); err != nil {
		return err
	}
	if err := c.add(nil, ledger.Config{Setting: setting, Old: was, New: now}); err != nil {
		return err
	}
	return c.flush()
}

// selection says what of an account is read; "" for everything.
func selection(a imapsync.Account) string {
	var words []string
	if !a.Since.IsZero() {
		words = append(words, "since "+a.Since.Format(time.RFC3339))
	}
	if len(a.Include) > 0 {
		words = append(words, fmt.Sprintf("only %q", a.Include))
	}
	if len(a.Exclude) > 0 {
		words = append(words, fmt.Sprintf("without %q", a.Exclude))
	}
	if a.Want != nil {
		words = append(words, a.Wanted)
	}
	return strings.Join(words, ", ")
}
