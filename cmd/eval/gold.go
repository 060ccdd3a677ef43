package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// Gold is one case of the gold set: gold.json, whose format SPEC.md describes.
type Gold struct {
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Us        []Person       `json:"us"`
	Client    Person         `json:"client"`
	Account   string         `json:"account"`
	Timezone  string         `json:"timezone"`
	Questions []GoldQuestion `json:"questions"`
	Labels    []Label        `json:"statements"`
	Ordinary  []Label        `json:"none"`

	mails map[string]*mail // by file name
}

// Person is one side of a case.
type Person struct {
	Name    string   `json:"name"`
	Emails  []string `json:"emails"`
	Domains []string `json:"domains"`
}

// GoldQuestion is a question and what a complete answer holds.
type GoldQuestion struct {
	Ask      string        `json:"ask"`
	Must     []Place       `json:"must"`
	May      []Place       `json:"may"`
	Findings []GoldFinding `json:"findings"`
}

// Place is exact words of one mail.
type Place struct {
	File  string `json:"file"`
	Quote string `json:"quote"`
	Kind  string `json:"kind"`
}

// GoldFinding is a labelled finding; B is nil where nothing stands against A.
type GoldFinding struct {
	Type  string `json:"type"`
	A     *Place `json:"a"`
	B     *Place `json:"b"`
	About string `json:"about"`
}

// Label is one labelled sentence.
type Label struct {
	File    string         `json:"file"`
	Quote   string         `json:"quote"`
	Kind    statement.Kind `json:"kind"`
	Or      []string       `json:"or"`
	Speaker string         `json:"speaker"`
	Facts   []LabelFact    `json:"facts"`
}

// LabelFact is one labelled fact.
type LabelFact struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Value string `json:"value"`
}

func (l *Label) accepts(k statement.Kind) bool {
	return l.Kind == k || slices.Contains(l.Or, string(k))
}

// mail is one message with its text squashed, so that quotes can be found in it.
type mail struct {
	ref  archive.Ref
	m    *message.Message
	flat flatText
}

func newMail(octets []byte) *mail {
	m := message.Parse(octets)
	return &mail{ref: refOf(octets), m: m, flat: flatten(m.Text)}
}

// flatText is text with every run of white space as one space. at maps each byte
// of the text to its place in flat.
type flatText struct {
	s  string
	at []int
}

func flatten(text string) flatText {
	var b strings.Builder
	at := make([]int, len(text)+1)
	space := true
	for i, r := range text {
		n := b.Len()
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == '\u00a0' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
		} else {
			b.WriteRune(r)
			space = false
		}
		for k := i; k < i+runeLen(r) && k < len(text); k++ {
			at[k] = n
		}
	}
	at[len(text)] = b.Len()
	return flatText{b.String(), at}
}

func runeLen(r rune) int { return len(string(r)) }

func squash(s string) string { return strings.Join(strings.Fields(s), " ") }

// find lists the places of quote in f, as byte ranges.
func (f flatText) find(quote string) [][2]int {
	q := squash(quote)
	if q == "" {
		return nil
	}
	var out [][2]int
	for from := 0; ; {
		k := strings.Index(f.s[from:], q)
		if k < 0 {
			return out
		}
		out = append(out, [2]int{from + k, from + k + len(q)})
		from += k + 1
	}
}

// matches reports whether a returned range answers a labelled one: it covers at
// least six tenths of it and is at most three times as long. Bytes stand for
// characters; in these texts they hardly differ.
func matches(got, want [2]int) bool {
	over := min(got[1], want[1]) - max(got[0], want[0])
	n := want[1] - want[0]
	return n > 0 && over*10 >= n*6 && got[1]-got[0] <= 3*n
}

// loadCases reads the cases under dir, or the one named.
func loadCases(dir, only string) ([]*Gold, error) {
	ents, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []*Gold
	for _, e := range ents {
		if !e.IsDir() || only != "" && e.Name() != only {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name(), "gold.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		g := &Gold{mails: map[string]*mail{}}
		if err := json.Unmarshal(b, g); err != nil {
			return nil, fmt.Errorf("reading %q: %w", filepath.Join(e.Name(), "gold.json"), err)
		}
		files, err := filepath.Glob(filepath.Join(dir, e.Name(), "mail", "*.eml"))
		if err != nil {
			return nil, err
		}
		sort.Strings(files)
		for _, p := range files {
			octets, err := os.ReadFile(p)
			if err != nil {
				return nil, err
			}
			g.mails[filepath.Base(p)] = newMail(octets)
		}
		out = append(out, g)
	}
	if only != "" && len(out) == 0 {
		return nil, fmt.Errorf("no case %q in %q", only, dir)
	}
	return out, nil
}

// people is the configuration a user of this case's mailbox would have written.
func (g *Gold) people() trail.People {
	var p trail.People
	for _, u := range g.Us {
		p.Us = append(p.Us, u.Emails...)
	}
	p.Clients = []trail.Party{{Name: g.Client.Name, Addresses: g.Client.Emails, Domains: g.Client.Domains}}
	return p
}

// files lists the case's mails in order.
func (g *Gold) files() []string {
	var out []string
	for f := range g.mails {
		out = append(out, f)
	}
	sort.Strings(out)
	return out
}
