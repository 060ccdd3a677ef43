package trail

import (
	"strings"

	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

// Joined says why the message of entry B belongs to the piece of work of the
// earlier entry A though it stands in another conversation: the same file comes
// back, the same reference is named. A and B are the first entries of their messages.
type Joined struct {
	A      int    `json:"a"`
	B      int    `json:"b"`
	Reason string `json:"reason"`
}

// join finds what ties the entries' messages across conversations. All mail of the
// pool is counted: a mark that much of it bears ties nothing.
func (p *pool) join(entries []*item) []Joined {
	number := map[*mail]int{}
	for i, it := range entries {
		if number[it.m] == 0 {
			number[it.m] = i + 1
		}
	}
	infos := make([]thread.Info, len(p.mails))
	for i, m := range p.mails {
		infos[i] = thread.Info{Date: m.Date, MessageID: m.MessageID}
		for _, a := range m.Attachments {
			if !a.Inline && a.SHA256 != "" {
				infos[i].Files = append(infos[i].Files, thread.File{Hash: a.SHA256, Name: a.Name})
			}
		}
		for _, it := range m.items {
			for _, f := range it.s.Facts {
				if f.Type == statement.Reference {
					infos[i].Named = append(infos[i].Named, strings.ToLower(f.Value))
				}
			}
		}
	}
	var out []Joined
	for _, l := range thread.Ties(infos) {
		a, b := p.mails[l.Parent], p.mails[l.Msg]
		if a.thread != b.thread && number[a] > 0 && number[b] > 0 {
			out = append(out, Joined{number[a], number[b], l.Reason})
		}
	}
	return out
}
