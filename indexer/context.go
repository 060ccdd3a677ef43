package indexer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

// What a message says depends on others in three places: what its author typed into
// the quotation of a mail shows when that mail is at hand, a signature shows when it
// closes other mail, and what it repeats is second-hand when the original is not kept.
// A reading goes by what has been read so far; catalog.SaveReadings notes those for
// which that was not all, and they are read again (see catalog.Context).

// alone is what a message tells by itself.
type alone struct {
	fresh, quoted []uint64 // thread.Shingles
	open          bool     // says that answers stand in what it quotes
	history       bool
}

func standingAlone(m *message.Message) (a alone) {
	var fresh, quoted strings.Builder
	for _, z := range m.Zones {
		switch z.Kind {
		case message.New:
			fresh.WriteString(m.ZoneText(z))
		case message.Quoted, message.Forwarded:
			a.history = true
			// Who wrote when stands in no other mail yet: it is new, in words of a program.
			text, repeated := m.ZoneText(z), m.Repeated(z)
			fresh.WriteString(text[:len(text)-len(repeated)])
			quoted.WriteString(repeated)
		}
	}
	a.fresh, a.quoted = thread.Shingles(fresh.String()), thread.Shingles(quoted.String())
	a.open = a.history && m.PointsBelow()
	return a
}

// contextOf looks up what the reading of m goes by.
func (v *Vault) contextOf(b catalog.Blob, m *message.Message, a alone) (x catalog.Context, kept []catalog.Kept, err error) {
	if x.Lines = m.ClosingLines(); len(x.Lines) > 0 {
		x.Author = m.From[0].Address
		if x.Closing, err = v.catalog.Closes(x.Author, x.Lines, b.ID); err != nil {
			return x, nil, fmt.Errorf("reading %v: %w", b.Ref, err)
		}
	}
	if x.History = a.history; !a.history {
		return x, nil, nil
	}
	x.Cited, x.Direct = catalog.Cited(m.InReplyTo, m.References)
	if kept, err = v.catalog.Kept(x.Cited, b.ID); err != nil {
		return x, nil, fmt.Errorf("reading %v: %w", b.Ref, err)
	}
	x.Kept = make(map[int64]bool, len(kept))
	for _, k := range kept {
		x.Kept[k.Blob.ID] = true
	}
	return x, kept, nil
}

// answeredOf are those of kept that the message answers.
func answeredOf(x catalog.Context, kept []catalog.Kept) (out []catalog.Kept) {
	for _, k := range kept {
		if slices.Contains(x.Cited[:x.Direct], k.MessageID) {
			out = append(out, k)
		}
	}
	return out
}

// parents returns the texts of the mails that a message answers.
func (v *Vault) parents(answered []catalog.Kept) ([]string, error) {
	var out []string
	for _, k := range answered {
		body, _, err := v.archive.OpenAt(k.Blob.Ref, k.Blob.Place)
		if err != nil {
			return nil, fmt.Errorf("reading %v: %w", k.Blob.Ref, err)
		}
		m, err := message.Read(body)
		if e := body.Close(); err == nil {
			err = e
		}
		if errors.Is(err, archive.ErrAltered) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %v: %w", k.Blob.Ref, err)
		}
		out = append(out, m.Text)
	}
	return out, nil
}

// secondHand reads what m repeats of mail that is not among the kept: no sentence of
// it stands in what m cites.
func secondHand(b catalog.Blob, m *message.Message, x catalog.Context, kept []catalog.Kept) []catalog.SecondHand {
	if !x.History || m.Auto {
		return nil
	}
	if len(kept) == 0 && m.PointsBelow() {
		return nil // its author has written into the quotation, and nothing tells where
	}
	has := catalog.Hashes(kept)
	var out []catalog.SecondHand
	for _, p := range m.Passages() {
		s := catalog.SecondHand{From: p.From, Date: saneDate(p.Date), DateRaw: p.DateRaw, Forwarded: p.Forwarded}
		var words strings.Builder
		for _, z := range p.View.ZonesOf(message.New) {
			words.WriteString(p.View.ZoneText(z))
		}
		s.Hashes = thread.Shingles(words.String())
		if !secondHanded(s.Hashes, has, kept) {
			continue
		}
		runes := runeCounter{text: m.Text}
		for _, st := range statement.Read(p.View).Statements {
			start := runes.at(st.Start)
			end := runes.at(st.End)
			s.Statements = append(s.Statements, catalog.Statement{ID: catalog.StatementID(b.Ref, start, end), Kind: st.Kind, Confidence: st.Confidence, Start: start, End: end,
				Quote: m.Text[st.Start:st.End], Facts: st.Facts, Flags: append(st.Flags, statement.SecondHand), Why: st.Why})
		}
		if len(s.Statements) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// secondHanded: where no sentence is long enough to be known again, any cited mail that
// is kept is taken for the original.
func secondHanded(hashes []uint64, has map[uint64]bool, kept []catalog.Kept) bool {
	if len(hashes) == 0 {
		return len(kept) == 0
	}
	for _, h := range hashes {
		if has[h] {
			return false
		}
	}
	return true
}

// answered gives the quoted sentence that stands right above the zone of a statement.
func answered(m *message.Message, at int) catalog.Passage {
	s, ok := m.Answered(at)
	if !ok {
		return catalog.Passage{}
	}
	return catalog.Passage{Start: message.CodePoints(m.Text, s.Start), End: message.CodePoints(m.Text, s.End), Quote: m.Text[s.Start:s.End]}
}
