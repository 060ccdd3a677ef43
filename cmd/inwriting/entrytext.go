package main

import (
	"fmt"
	"strings"
	"time"

	"inwriting/indexer/ledger"
)

// entryText says in plain words what a ledger entry records. It names no more of a
// message than the entry does.
func entryText(f ledger.Fact) string {
	switch x := f.(type) {
	case ledger.VaultCreated:
		return "the vault was made; its key is " + x.VKey
	case ledger.AccountAdded:
		return fmt.Sprintf("mailbox %d is %s (%s)", x.Account, x.Address, x.Source)
	case ledger.AccountRole:
		return fmt.Sprintf("mailbox %d is read as %s", x.Account, x.Role)
	case ledger.MailboxAdded:
		return fmt.Sprintf("folder %d is %q of mailbox %d", x.Mailbox, x.Display, x.Account)
	case ledger.MailboxReset:
		return fmt.Sprintf("folder %d was renumbered by the server (%d, before %d)", x.Mailbox, x.New, x.Old)
	case ledger.MailboxListed:
		switch {
		case x.Excluded:
			return fmt.Sprintf("folder %d is left out by the settings", x.Mailbox)
		case !x.Listed:
			return fmt.Sprintf("folder %d is not listed by the server any more", x.Mailbox)
		}
		return fmt.Sprintf("folder %d is listed and read", x.Mailbox)
	case ledger.MailboxRenamed:
		return fmt.Sprintf("folder %d was called folder %d before; %s", x.Mailbox, x.From, plural(int(x.Messages), "message", "messages"))
	case ledger.MsgSeen:
		return fmt.Sprintf("message %s is in folder %d as UID %d", shortHash(x.Blob), x.Mailbox, x.UID)
	case ledger.MsgFlags:
		return fmt.Sprintf("UID %d of folder %d is now flagged %s", x.UID, x.Mailbox, strings.Join(x.Flags, " "))
	case ledger.MsgGone:
		return fmt.Sprintf("message %s is no longer on the server (folder %d, UID %d)", shortHash(x.Blob), x.Mailbox, x.UID)
	case ledger.MsgQuarantined:
		return fmt.Sprintf("the server does not give UID %d of folder %d: %s", x.UID, x.Mailbox, x.Why)
	case ledger.Acquisition:
		return fmt.Sprintf("mailbox %d was read: %d of %d asked for were stored, %d connections", x.Account, x.Stored, x.Asked, x.Connections)
	case ledger.Sync:
		return fmt.Sprintf("folder %d was compared: %d on the server, %d new, %d gone", x.Mailbox, x.Exists, x.New, x.Gone)
	case ledger.Import:
		return fmt.Sprintf("%s was imported into mailbox %d: %s", x.Kind, x.Account, plural(int(x.Messages), "message", "messages"))
	case ledger.Export:
		return "a bundle was made; its tagmanifest is " + shortHash(x.TagManifest)
	case ledger.Correction:
		return fmt.Sprintf("%s is read as %q, before as %q", x.Statement, x.Kind, x.Was)
	case ledger.Unknown:
		return "an entry of a kind that this version does not know"
	}
	if s := decisionText(f); s != "" {
		return s
	}
	return attestText(f)
}

func decisionText(f ledger.Fact) string {
	switch x := f.(type) {
	case ledger.MatterOpened:
		return fmt.Sprintf("matter %s asks %q", x.Matter, x.Question)
	case ledger.MatterItem:
		if x.Decision == "" {
			return fmt.Sprintf("%s is neither pinned nor left out of matter %s", x.Item, x.Matter)
		}
		return fmt.Sprintf("%s is %s in matter %s", x.Item, x.Decision, x.Matter)
	case ledger.MatterExhibit:
		return fmt.Sprintf("file %q was taken into matter %s", x.Name, x.Matter)
	case ledger.MatterNote:
		return fmt.Sprintf("a note to matter %s: %s", x.Matter, x.Text)
	case ledger.MatterClosed:
		return fmt.Sprintf("matter %s was closed", x.Matter)
	case ledger.Hold:
		if x.Released {
			return x.Scope + " is no longer held"
		}
		return fmt.Sprintf("%s is held: %s", x.Scope, x.Reason)
	case ledger.Erase:
		return fmt.Sprintf("a message was erased with %s of the ledger: %s", plural(len(x.Entries), "line", "lines"), x.Reason)
	}
	return ""
}

func attestText(f ledger.Fact) string {
	switch x := f.(type) {
	case ledger.Anchor:
		return fmt.Sprintf("%s time-stamped %s at %s", x.Authority, plural(int(x.Size), "entry", "entries"), x.GenTime)
	case ledger.ClockSkew:
		return fmt.Sprintf("our clock and that of %s are %v apart", x.Authority, time.Duration(x.Clock)*time.Millisecond)
	case ledger.DNSKey:
		return "the DNS has a key at " + x.Name
	case ledger.AuthResult:
		s := fmt.Sprintf("signatures of message %s: %s", shortHash(x.Blob), x.State)
		if x.Why != "" {
			s += ", " + x.Why
		}
		return s
	case ledger.KeyAdded:
		return "key " + x.Fingerprint + " signs from here on"
	case ledger.KeyRetired:
		return "key " + x.Fingerprint + " signs no more: " + x.Reason
	case ledger.Access:
		return fmt.Sprintf("%s looked: %s", x.By, x.What)
	case ledger.Config:
		return fmt.Sprintf("setting %s is %q, before %q", x.Setting, x.New, x.Old)
	case ledger.Converted:
		s := fmt.Sprintf("message %s was converted from a .%s by %s; the original is %s", shortHash(x.Blob), x.Form, x.By, shortHash(x.Original))
		if !x.Kept {
			s += ", which is not in the archive"
		}
		return s
	case ledger.Restored:
		return fmt.Sprintf("message %s was damaged and fetched again, as it was sealed", shortHash(x.Blob))
	case ledger.Erased:
		return "erased; only its leaf hash is left"
	}
	return ""
}

func shortHash(h string) string {
	if len(h) > 12 {
		return h[:12] + "…"
	}
	return h
}
