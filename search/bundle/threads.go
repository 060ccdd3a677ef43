package bundle

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/archive"
)

// node is a message of a thread: an exhibit, one that is only listed, or one that is
// referred to and not kept.
type node struct {
	ref      archive.Ref // zero for one that is not kept
	id       string      // Message-ID
	date     time.Time
	from     string
	to       []string
	refs     []string
	attached int
	x        *exhibit // nil when it is no exhibit
	parent   *node
	kids     []*node
	thread   string
}

// nodes are all messages that are told of, by date, joined by In-Reply-To and
// References (RFC 5322 section 3.6.4).
func (b *bag) nodes() []*node {
	var all []*node
	have := map[archive.Ref]bool{}
	for _, x := range b.exhibits {
		have[x.Ref] = true
		all = append(all, &node{ref: x.Ref, id: x.m.MessageID, date: x.Info.Date, from: x.Info.From, to: append(slices.Clone(x.Info.To), bareList(x.m.Cc)...),
			refs: chain(x.m.References, x.m.InReplyTo), attached: len(x.files), x: x})
	}
	for _, l := range b.in.Population {
		if !have[l.Ref] {
			have[l.Ref] = true
			all = append(all, &node{ref: l.Ref, id: l.MessageID, date: l.Date, from: l.From, to: l.To, refs: l.Refs, attached: l.Attachments})
		}
	}
	slices.SortStableFunc(all, func(a, b *node) int {
		return cmp.Or(a.date.Compare(b.date), strings.Compare(a.ref.Hex(), b.ref.Hex()))
	})
	byID := map[string]*node{}
	for _, n := range all {
		if n.id != "" && byID[n.id] == nil {
			byID[n.id] = n
		}
	}
	for _, n := range slices.Clone(all) {
		for i := len(n.refs) - 1; i >= 0; i-- {
			p := byID[n.refs[i]]
			if p == nil && n.x != nil && i == len(n.refs)-1 {
				p = &node{id: n.refs[i]} // referred to by an exhibit, and absent
				byID[p.id] = p
				all = append(all, p)
			}
			if p != nil && p != n && !above(n, p) {
				n.parent = p
				p.kids = append(p.kids, n)
				break
			}
		}
	}
	count := 0
	var name func(n *node, t string)
	name = func(n *node, t string) {
		n.thread = t
		for _, k := range n.kids {
			name(k, t)
		}
	}
	for _, n := range all {
		if top := root(n); top.thread == "" {
			count++
			name(top, fmt.Sprintf("T%03d", count))
		}
	}
	return all
}

func chain(refs, irt []string) []string {
	out := slices.Clone(refs)
	for _, id := range irt {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// above tells whether n is p or stands above it: References of forged mail may go in
// circles.
func above(n, p *node) bool {
	for ; p != nil; p = p.parent {
		if p == n {
			return true
		}
	}
	return false
}

func root(n *node) *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

func (b *bag) threadNames() map[archive.Ref]string {
	out := map[archive.Ref]string{}
	for _, n := range b.nodes() {
		out[n.ref] = n.thread
	}
	return out
}

// threads writes the thread map and the population. Of a message that is no exhibit
// they tell its hash, its date and its place, and nothing that it says.
func (b *bag) threads() (threads, population []byte) {
	all := b.nodes()
	gone := map[archive.Ref]withheld{}
	for _, w := range b.withheld {
		gone[w.Ref] = w
	}
	var t table
	t.row("thread", "depth", "present", "exhibit", "sha256", "message_id", "date_utc", "attachments", "added", "dropped")
	var walk func(n *node, depth int)
	walk = func(n *node, depth int) {
		present, name, mark, id, added, dropped := "+", "", "○", "", "", ""
		switch {
		case n.x != nil:
			mark, name, id = "●", n.x.name, n.id
			if n.parent != nil && n.parent.x != nil {
				added, dropped = changed(n.parent, n)
			}
		case n.ref == (archive.Ref{}):
			present, mark, id = "−", "", n.id
		}
		hash := ""
		if n.ref != (archive.Ref{}) {
			hash = n.ref.Hex()
		}
		t.row(n.thread, strconv.Itoa(depth), present, strings.TrimSpace(mark+" "+name), hash, plain(b.hide(id)), utc(n.date), strconv.Itoa(n.attached), plain(b.hide(added)), plain(b.hide(dropped)))
		for _, k := range n.kids {
			walk(k, depth+1)
		}
	}
	for _, n := range all {
		if n.parent == nil {
			walk(n, 0)
		}
	}
	var p table
	p.row("sha256", "date_utc", "direction", "thread", "disposition")
	byID := map[string]string{}
	for _, x := range b.exhibits {
		if x.m.MessageID != "" {
			byID[x.m.MessageID] = x.name
		}
	}
	for _, n := range all {
		if n.ref == (archive.Ref{}) {
			continue
		}
		what := "not-selected:no statement of it bears on the question"
		switch w, ok := gone[n.ref]; {
		case n.x != nil:
			what = "exhibit " + n.x.name
		case ok:
			what = "withheld:" + w.Code
		case n.id != "" && byID[n.id] != "":
			what = "duplicate-of " + byID[n.id]
		case b.left[n.ref]:
			what = "not-selected:in the full bundle, not in this core of it"
		case b.leftOut(n.ref):
			what = "not-selected:left out by a person, see the list"
		}
		p.row(n.ref.Hex(), utc(n.date), b.direction(n.from, n.to), n.thread, what)
	}
	for _, w := range b.withheld {
		if !slices.ContainsFunc(all, func(n *node) bool { return n.ref == w.Ref }) {
			p.row(w.Ref.Hex(), utc(w.date), w.dir, "", "withheld:"+w.Code)
		}
	}
	return []byte(t.b.String()), []byte(p.b.String())
}

func (b *bag) leftOut(ref archive.Ref) bool {
	for _, l := range b.in.Trail.LeftOut {
		if l.Ref == ref.String() {
			return true
		}
	}
	return false
}

// changed is who was added to and dropped from the people of a reply.
func changed(p, n *node) (added, dropped string) {
	people := func(n *node) []string {
		var out []string
		for _, a := range append([]string{n.from}, n.to...) {
			if a = bareAddress(a); a != "" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
		slices.Sort(out)
		return out
	}
	was, is := people(p), people(n)
	minus := func(a, b []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) }), " ")
	}
	return minus(is, was), minus(was, is)
}
