package trail

import (
	"sort"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

// Item names a statement, or with no Statement all statements of a message.
type Item struct {
	Ref       archive.Ref
	Statement string
}

// Matter is the kept question that a trail answers.
type Matter struct {
	Name   string     `json:"name"`
	Title  string     `json:"title"`
	Client string     `json:"client,omitempty"`
	State  string     `json:"state"` // "open" or "closed"
	Opened time.Time  `json:"opened"`
	Closed *time.Time `json:"closed,omitempty"`
	Reason string     `json:"reason,omitempty"` // of closing
	Notes  []Note     `json:"notes,omitempty"`
}

// Note is a note to a matter.
type Note struct {
	Text string    `json:"text"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// LeftOut is what a person took out of a trail. Of a statement or message the
// trail says nothing but this; that it was written is still known to the findings.
type LeftOut struct {
	Statement string    `json:"statement,omitempty"` // its id; "" when a whole message or exhibit is left out
	Ref       string    `json:"ref"`                 // of the message or exhibit
	Date      time.Time `json:"date,omitzero"`       // of the message; zero for an exhibit
	Reason    string    `json:"reason"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}

// Exhibit is a file from outside the mail: a screenshot, a chat export, a contract.
type Exhibit struct {
	N           int         `json:"n"` // X1, X2 …: in the order they were taken in
	Ref         archive.Ref `json:"ref"`
	Name        string      `json:"name"`
	Media       string      `json:"media"`
	Size        int64       `json:"size"`
	Note        string      `json:"note,omitempty"`
	By          string      `json:"by"`
	At          time.Time   `json:"at"`
	LedgerIndex int64       `json:"ledger_index"`
}

// Correction says what a person reads a statement as. Kind is in force.
type Correction struct {
	Kind statement.Kind `json:"kind"`
	Was  statement.Kind `json:"was"` // as the program read it
	Note string         `json:"note,omitempty"`
	By   string         `json:"by"`
	At   time.Time      `json:"at"`
}

// holds reports whether every pinned item is in the pool that is in whole.
func (p *pool) holds(whole *pool, pinned []Item) bool {
	for _, it := range pinned {
		if whole.find(it) != nil && p.find(it) == nil {
			return false
		}
	}
	return true
}

func (p *pool) find(want Item) (out []*item) {
	for _, it := range p.items {
		if it.s.ID == want.Statement || want.Statement == "" && it.m.Ref == want.Ref {
			out = append(out, it)
		}
	}
	return out
}

// decide adds the pinned statements to the entries and takes the excluded ones
// away. What is excluded stays in the pool: a finding must not call unanswered
// what was answered in words that are left out.
func (p *pool) decide(entries []*item, o Options) []*item {
	if len(o.Pinned)+len(o.Excluded) == 0 {
		return entries
	}
	in := map[*item]bool{}
	for _, it := range entries {
		in[it] = true
	}
	for _, want := range o.Pinned {
		for _, it := range p.find(want) {
			it.p2 = 1 // somebody has said that it bears on the question
			it.pinned = true
			if !in[it] {
				in[it] = true
				entries = append(entries, it)
			}
		}
	}
	// A statement that is pinned by itself stays when its message is left out, and
	// the other way round.
	single := map[string]bool{}
	for _, want := range o.Pinned {
		if want.Statement != "" {
			single[want.Statement] = true
		}
	}
	for _, want := range o.Excluded {
		for _, it := range p.find(want) {
			if want.Statement != "" || !single[it.s.ID] {
				delete(in, it)
			}
		}
	}
	var out []*item
	for _, it := range entries {
		if in[it] {
			out = append(out, it)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].index < out[j].index })
	return out
}
