package thread

import (
	"cmp"
	"fmt"
	"slices"
)

// maxHolders is how many messages may hold a mark that proves anything: what more
// hold is a logo, a customer number, terms that go with every mail.
const maxHolders = 8

// File is an attachment.
type File struct {
	Hash, Name string
}

// Ties says which messages belong to one piece of work though they may stand in
// several conversations: those that carry the same file, and those that name the
// same reference. Each holder is tied to the one before it by date. Likeness of
// words is no tie. A mark that more than a handful hold ties nothing.
func Ties(msgs []Info) []Link {
	type holders struct {
		is     []int
		reason string
	}
	marks := map[string]*holders{}
	var names []string
	hold := func(mark string, i int, format, name string) {
		h := marks[mark]
		if h == nil {
			h = &holders{reason: fmt.Sprintf(format, name)}
			marks[mark] = h
			names = append(names, mark)
		}
		if n := len(h.is); n == 0 || h.is[n-1] != i {
			h.is = append(h.is, i)
		}
	}
	for _, i := range order(msgs) {
		for _, f := range msgs[i].Files {
			hold("file "+f.Hash, i, "carries the same file, %q", f.Name)
		}
		for _, r := range msgs[i].Named {
			hold("reference "+r, i, "names the same reference, %q", r)
		}
	}
	var out []Link
	type pair [2]int
	seen := map[pair]bool{}
	for _, mark := range names {
		h := marks[mark]
		if len(h.is) > maxHolders {
			continue
		}
		for k := 1; k < len(h.is); k++ {
			if p := (pair{h.is[k], h.is[k-1]}); !seen[p] {
				seen[p] = true
				out = append(out, Link{Msg: p[0], Parent: p[1], Reason: h.reason})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Msg, b.Msg), cmp.Compare(a.Parent, b.Parent))
	})
	return out
}
