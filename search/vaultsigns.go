package search

import (
	"fmt"
	"slices"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/message"
)

// signs looks for what should be known of a message.
func (s VaultStore) signs(ref archive.Ref, m *message.Message) (out []Sign, err error) {
	err = s.catalog(func(c *catalog.Catalog) error {
		b, err := c.Blob(ref)
		if err != nil {
			return err
		}
		variants, err := c.SameMessageID(b.ID)
		if err != nil {
			return err
		}
		replaced, err := c.UnderSameNumber(b.ID)
		if err != nil {
			return err
		}
		seen, err := c.Sightings(b.ID)
		if err != nil {
			return err
		}
		out = signsOf(variants, replaced, seen, m)
		from, err := c.Conversion(ref)
		if from != nil {
			out = append([]Sign{convertedSign(from)}, out...)
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking at %v: %w", ref, err)
	}
	return out, err
}

// convertedSign says that a message is no original.
func convertedSign(f *ledger.Converted) Sign {
	where := "is not in the archive"
	if f.Kept {
		where = "is kept too"
	}
	return Sign{Kind: "converted", Text: fmt.Sprintf("converted from Outlook's .%s by %s: its octets are not the original's; the original, SHA-256 %s, %s", f.Form, f.By, f.Original, where)}
}

func signsOf(variants, replaced []archive.Ref, seen []catalog.Sighting, m *message.Message) []Sign {
	var out []Sign
	add := func(kind string, refs []archive.Ref, format string, args ...any) {
		sign := Sign{Kind: kind, Text: fmt.Sprintf(format, args...), Refs: refs}
		if !slices.ContainsFunc(out, func(o Sign) bool { return o.Kind == kind && o.Text == sign.Text }) {
			out = append(out, sign)
		}
	}
	if len(variants) > 0 {
		add("variant", variants, "%s with the same Message-ID and other octets %s kept too: an altered copy, or what a list or a server made of it",
			countOf(len(variants), "message"), isAre(len(variants)))
	}
	for _, p := range seen {
		if p.Replaced {
			add("replaced", replaced, "the server now shows another message under its number (%s, UID %d); this one was collected before", p.Folder, p.UID)
		}
	}
	if len(replaced) > 0 && !slices.ContainsFunc(seen, func(p catalog.Sighting) bool { return p.Replaced }) {
		add("replaced", replaced, "the server showed another message under its number before, which is kept")
	}
	whereabouts(seen, add)
	for _, p := range seen {
		if !p.Newer.IsZero() {
			add("order", nil, "in %s, messages received up to %s stand before it, though it bears the date %s: it was put there later, as by moving, copying or importing it",
				p.Folder, p.Newer.Format("2 January 2006"), p.InternalDate.Format("2 January 2006"))
		}
	}
	if d, what := received(seen, m); !d.IsZero() && !m.Date.IsZero() {
		if diff := d.Sub(m.Date); diff.Abs() > dateSlack {
			order := "before"
			if diff < 0 {
				order = "after"
			}
			add("dates", nil, "the sender's date is %s %s %s", apart(diff), order, what)
		}
	}
	return out
}

// whereabouts tells a message that was moved from one that is gone.
func whereabouts(seen []catalog.Sighting, add func(kind string, refs []archive.Ref, format string, args ...any)) {
	here := func(p catalog.Sighting) bool { return p.Gone.IsZero() && !p.OldNumbers && !p.Replaced }
	for _, p := range seen {
		if p.Import || here(p) || p.Replaced {
			continue
		}
		now := slices.IndexFunc(seen, func(q catalog.Sighting) bool { return q.Account == p.Account && !q.Import && here(q) })
		switch {
		case now >= 0 && seen[now].Folder != p.Folder:
			add("moved", nil, "it was in %s and is now in %s: moved, not deleted", p.Folder, seen[now].Folder)
		case now >= 0 && p.OldNumbers:
			add("renumbered", nil, "the server numbered %s anew; it is there under another number", p.Folder)
		case now >= 0:
		case p.OldNumbers:
			add("gone", nil, "the server numbered %s anew and no longer shows it there", p.Folder)
		default:
			add("gone", nil, "no longer on the server: missing in %s since %s. It may have been deleted, have expired, or lie where we do not look",
				p.Folder, p.Gone.Format("2 January 2006 15:04"))
		}
	}
}

// received is when the first server that we know of took the message.
func received(seen []catalog.Sighting, m *message.Message) (at time.Time, what string) {
	for _, p := range seen {
		if !p.InternalDate.IsZero() && !p.Import && (at.IsZero() || p.InternalDate.Before(at)) {
			at, what = p.InternalDate, "the server's"
		}
	}
	if at.IsZero() && !m.Received.IsZero() {
		at, what = m.Received, "that of the receiving server's Received field"
	}
	return at, what
}

func countOf(n int, what string) string {
	if n == 1 {
		return "another " + what
	}
	return fmt.Sprintf("%d other %ss", n, what)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
