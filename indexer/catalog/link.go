package catalog

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

// Link says why a message hangs together with an earlier one.
type Link struct {
	Msg, Parent archive.Ref
	Thread      bool   // of one conversation; otherwise of one piece of work
	Reason      string // for people, e.g. "quotes 4 sentences or lines of it"
}

const (
	linkWindow    = 60 * 24 * time.Hour
	linkedRefs    = 60  // messages whose surroundings are looked at
	linkedNearby  = 16  // messages before and after, of each person
	linkedPeople  = 6   // people of one message
	linkedSubject = 40  // messages of one subject
	maxLinked     = 200 // messages that are compared
	maxAddressees = 50  // of one message: what goes to more is not a conversation
)

// Links finds what hangs together with refs, also where no header says so: by
// Thread-Index, the server's threads, quotations, numbered series and guarded subjects (thread.Links), and
// by a file or reference in common (thread.Ties). It compares up to maxLinked
// messages: those that header fields or servers join, of the same subject, and with the same
// people, 60 days around. Links are in order of the date of Msg, at most limit. The
// same messages give the same links in whatever order they came, except that among
// more than fit, equally near ones go by arrival.
func (c *Catalog) Links(refs []archive.Ref, limit int) ([]Link, error) {
	cited, err := c.mentioned(refs, maxLinked/2)
	if err != nil {
		return nil, err
	}
	return c.links(refs, cited, limit)
}

// links is Links when the messages that header fields join are known.
func (c *Catalog) links(refs, cited []archive.Ref, limit int) ([]Link, error) {
	cands, err := c.candidates(cited)
	if err != nil {
		return nil, err
	}
	infos := make([]thread.Info, len(cands))
	at := make(map[archive.Ref]int, len(cands))
	for i := range cands {
		infos[i] = cands[i].info
		at[cands[i].ref] = i
	}
	replies := thread.Links(infos)
	ties := thread.Ties(infos)

	// Conversations whole; from these, one step of ties.
	group := make([]int, len(infos))
	for g, is := range thread.Groups(infos, replies) {
		for _, i := range is {
			group[i] = g
		}
	}
	asked := map[int]bool{}
	for _, r := range refs {
		if i, ok := at[r]; ok {
			asked[group[i]] = true
		}
	}
	var out []Link
	add := func(list []thread.Link, conversation bool) {
		for _, l := range list {
			a, b := group[l.Msg], group[l.Parent]
			if conversation && !asked[a] || !conversation && (a == b || !asked[a] && !asked[b]) {
				continue
			}
			out = append(out, Link{cands[l.Msg].ref, cands[l.Parent].ref, conversation, l.Reason})
		}
	}
	add(replies, true)
	add(ties, false)
	slices.SortStableFunc(out, func(a, b Link) int { return cmp.Compare(at[a.Msg], at[b.Msg]) })
	return out[:min(len(out), limit)], nil
}

type candidate struct {
	id   int64
	ref  archive.Ref
	date int64
	info thread.Info
}

// candidates reads messages around refs, refs first to be taken, and returns
// them by date.
func (c *Catalog) candidates(refs []archive.Ref) ([]candidate, error) {
	var ids []int64
	seen := map[int64]bool{}
	take := func(query string, args ...any) error {
		rows, err := c.r.Query(query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			if !seen[id] && len(ids) < maxLinked {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		return rows.Err()
	}
	for _, r := range refs {
		if err := take(`SELECT id FROM blob WHERE ref = ?`, r[:]); err != nil {
			return nil, err
		}
	}
	asked := slices.Clone(ids[:min(len(ids), linkedRefs)])
	mates, err := c.ServerThread(asked...)
	if err != nil {
		return nil, err
	}
	for _, id := range mates {
		if !seen[id] && len(ids) < maxLinked {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	near, err := c.readInfos(asked)
	if err != nil {
		return nil, err
	}
	window := int64(linkWindow / time.Second)
	for _, n := range near {
		base, _, _ := thread.BaseSubject(n.info.Subject)
		if base = strings.ToLower(base); base != "" {
			if err := take(`SELECT blob FROM message WHERE subject = ?1 AND subject <> '' AND date BETWEEN ?2 - ?3 AND ?2 + ?3 ORDER BY abs(date - ?2), blob LIMIT ?4`,
				base, n.date, window, linkedSubject); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range near {
		people := n.info.Participants
		for _, p := range people[:min(len(people), linkedPeople)] {
			if len(ids) >= maxLinked {
				break
			}
			if err := take(`SELECT blob FROM participant WHERE address = ? AND date BETWEEN ? AND ? ORDER BY date DESC, blob LIMIT ?`, p, n.date-window, n.date, linkedNearby); err != nil {
				return nil, err
			}
			if err := take(`SELECT blob FROM participant WHERE address = ? AND date BETWEEN ? AND ? ORDER BY date, blob LIMIT ?`, p, n.date, n.date+window, linkedNearby); err != nil {
				return nil, err
			}
		}
	}
	more, err := c.readInfos(ids[len(asked):])
	if err != nil {
		return nil, err
	}
	out := append(near, more...)
	place := make(map[int64]int, len(out))
	for i := range out {
		place[out[i].id] = i
	}
	if err := c.threadsOf(ids, func(id int64, thread string) {
		if i, ok := place[id]; ok {
			out[i].info.Server = append(out[i].info.Server, thread)
		}
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.date, b.date), slices.Compare(a.ref[:], b.ref[:]))
	})
	return out, nil
}

// readInfos reads what linking needs of messages, in order of arrival.
func (c *Catalog) readInfos(ids []int64) ([]candidate, error) {
	read, err := c.readings(ids)
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if r := read[id]; r != nil {
			out = append(out, candidate{id: id, ref: r.ref, date: r.date, info: infoOf(r)})
		}
	}
	return out, nil
}

func infoOf(r *reading) thread.Info {
	d := r.doc
	in := thread.Info{MessageID: d.MessageID, Refs: append(append([]string(nil), d.References...), d.InReplyTo...), ThreadIndex: d.ThreadIndex,
		Subject: d.Subject, NewHashes: d.New, QuotedHashes: d.Quoted, Date: time.Unix(r.date, 0).UTC()}
	for _, list := range [][]message.Address{d.From, d.To, d.Cc} {
		for _, a := range list {
			if a.Address != "" && len(in.Participants) < maxAddressees {
				in.Participants = append(in.Participants, a.Address)
			}
		}
	}
	for _, p := range d.Parts {
		if !p.Inline && p.SHA256 != "" && p.Size > 0 {
			in.Files = append(in.Files, thread.File{Hash: p.SHA256, Name: p.Name})
		}
	}
	for _, s := range d.Statements {
		for _, f := range s.Facts {
			if f.Type == statement.Reference && f.Value != "" {
				in.Named = append(in.Named, f.Value)
			}
		}
	}
	return in
}
