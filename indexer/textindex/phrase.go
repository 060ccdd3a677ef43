package textindex

import (
	"fmt"

	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"
)

// phrase translates a phrase. Where everything has to fit it, bleve looks for
// the words only, and the order is checked on what is left in the end: bleve's
// own phrase searcher, asked whether one document fits, runs on to the next that
// does.
func (c *compiler) phrase(p Phrase, must bool) (query.Query, error) {
	var words []string
	for _, r := range runsOf(p.Text) {
		words = append(words, r.parts...)
	}
	fields := c.fields(p.Fields)
	switch len(words) {
	case 0:
		return query.NewMatchNoneQuery(), nil
	case 1:
		return c.word(Word{Fields: fields, Text: words[0]})
	}
	if c.terms += len(words); c.terms > maxTerms {
		return nil, fmt.Errorf("a phrase of %d words: %w", len(words), ErrTooBroad)
	}
	for _, w := range words {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		var terms []term
		for _, f := range fields {
			terms = append(terms, term{field: f, text: w})
		}
		if err := c.rank(terms); err != nil {
			return nil, err
		}
	}
	var any []query.Query
	var checks []*phraseCheck
	for _, f := range fields {
		if !must {
			any = append(any, query.NewPhraseQuery(words, f))
			continue
		}
		var all []query.Query
		for _, w := range words {
			all = append(all, anyTerm{field: f, terms: []string{w}})
		}
		any = append(any, query.NewConjunctionQuery(all))
		check := &phraseCheck{}
		for _, w := range words {
			tfr, err := c.r.TermFieldReader(c.ctx, []byte(w), f, false, false, true)
			if err != nil {
				return nil, err
			}
			c.closers = append(c.closers, tfr.Close)
			check.words = append(check.words, weighted{tfr: tfr})
		}
		checks = append(checks, check)
	}
	if must {
		c.phrases = append(c.phrases, checks)
	}
	if len(any) == 1 {
		return any[0], nil
	}
	return query.NewDisjunctionQuery(any), nil
}

// phraseCheck tells whether documents, asked for in ascending order, hold words
// one after the other in one field.
type phraseCheck struct {
	words  []weighted
	at, to []uint64
}

// verify checks the phrases that were put off.
func (c *compiler) verify(id index.IndexInternalID) (bool, error) {
	for _, any := range c.phrases {
		fits := false
		for _, p := range any {
			ok, err := p.holds(id)
			if err != nil {
				return false, err
			}
			if ok {
				fits = true
				break
			}
		}
		if !fits {
			return false, nil
		}
	}
	return true, nil
}

func (p *phraseCheck) holds(id index.IndexInternalID) (bool, error) {
	doc := id.Value()
	for i := range p.words {
		ok, err := p.words[i].advance(doc, id)
		if err != nil || !ok {
			return false, err
		}
	}
	p.at = p.at[:0]
	for _, v := range p.words[0].doc.Vectors {
		p.at = append(p.at, v.Pos)
	}
	for i := 1; i < len(p.words) && len(p.at) > 0; i++ {
		p.to = p.to[:0]
		j := 0 // both lists ascend
		for _, v := range p.words[i].doc.Vectors {
			for j < len(p.at) && p.at[j]+1 < v.Pos {
				j++
			}
			if j < len(p.at) && p.at[j]+1 == v.Pos {
				p.to = append(p.to, v.Pos)
			}
		}
		p.at, p.to = p.to, p.at
	}
	return len(p.at) > 0, nil
}
