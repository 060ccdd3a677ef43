package trail

import (
	"strings"
)

// One message often lies in a vault twice with other octets: as we sent it and as
// it was delivered, with the headers of its way. Both are kept; a trail shows what
// they say once. A Message-ID alone never merges: it may be forged or repeated, so
// the author and the words must be the same too.

// fold drops the later of two mails' statements that say the same, and a mail of
// which nothing is left. The statements that stay take over the others' occurrences.
func (p *pool) fold() {
	type key struct{ id, author, quote string }
	first := map[key]*Statement{}
	type post struct{ id, author string }
	copies := map[post]int{}
	for _, m := range p.mails {
		copies[post{m.MessageID, m.author}]++
	}
	keep := p.mails[:0]
	for _, m := range p.mails {
		if m.MessageID == "" || m.author == "" || copies[post{m.MessageID, m.author}] == 1 {
			keep = append(keep, m)
			continue
		}
		var left []Statement
		times := map[string]int{} // the same words twice in one mail are two statements
		for _, s := range m.Statements {
			q := strings.ToLower(strings.Join(strings.Fields(s.Quote), " "))
			times[q]++
			k := key{m.MessageID, m.author, q + "\x00" + itoa(times[q])}
			if f := first[k]; f != nil {
				f.Message.Occurrences = append(f.Message.Occurrences[:len(f.Message.Occurrences):len(f.Message.Occurrences)], s.Message.Occurrences...)
				continue
			}
			left = append(left, s)
		}
		if len(m.Statements) > 0 && len(left) == 0 {
			continue
		}
		r := *m.Record // the source's record stays as it is
		r.Statements = left
		m.Record = &r
		clear(times)
		for i := range r.Statements {
			q := strings.ToLower(strings.Join(strings.Fields(r.Statements[i].Quote), " "))
			times[q]++
			k := key{m.MessageID, m.author, q + "\x00" + itoa(times[q])}
			if first[k] == nil {
				first[k] = &r.Statements[i]
			}
		}
		keep = append(keep, m)
	}
	p.mails = keep
}
