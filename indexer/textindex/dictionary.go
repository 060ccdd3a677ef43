package textindex

import (
	"fmt"
	"slices"
	"strings"

	index "github.com/blevesearch/bleve_index_api"
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
)

// between lists the terms of a field from lo to hi.
func (c *compiler) between(field, lo, hi string) ([]string, error) {
	d, err := c.r.FieldDictRange(field, []byte(lo), []byte(hi))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []string
	for {
		e, err := d.Next()
		if err != nil || e == nil {
			return out, err
		}
		if len(out) == maxTerms {
			return nil, fmt.Errorf("more than %d amounts: %w", maxTerms, ErrTooBroad)
		}
		out = append(out, strings.Clone(e.Term))
	}
}

// scan walks the dictionary of a field below a prefix.
func (c *compiler) scan(field, prefix string, limit int, strict bool, keep func(string) bool) ([]term, error) {
	d, err := c.r.FieldDictPrefix(field, []byte(prefix))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []term
	for n := 0; ; n++ {
		e, err := d.Next()
		if err != nil || e == nil {
			return out, err
		}
		if n%1024 == 1023 && c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		if n >= limit {
			if strict {
				return nil, fmt.Errorf("%q*: more than %d: %w", prefix, maxTerms, ErrTooBroad)
			}
			return out, nil
		}
		if keep(e.Term) {
			out = append(out, term{field: field, text: strings.Clone(e.Term), count: e.Count})
		}
	}
}

// forms gives the words of the dictionary that share the word's stem. The stem
// is taken when somebody asks and not when mail is indexed: a second, stemmed
// field would double the index.
func (c *compiler) forms(field, word string) ([]term, error) {
	stem := stemOf(word)
	// A stem ends in i where the word ends in y: reply, replies, replied.
	prefix := strings.TrimSuffix(stem, "i")
	if len(prefix) < 3 || strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) >= 0 {
		return c.exact(field, word)
	}
	found, err := c.scan(field, prefix, maxScanned, false, func(t string) bool { return t == word || stemOf(t) == stem })
	if err != nil || len(found) == 0 {
		return found, err
	}
	if len(found) > maxForms {
		found = found[:maxForms]
	}
	if !slices.ContainsFunc(found, func(t term) bool { return t.text == word }) {
		exact, err := c.exact(field, word) // beyond what was looked at
		return append(found, exact...), err
	}
	return found, nil
}

// exact gives the word when somebody wrote it.
func (c *compiler) exact(field, word string) ([]term, error) {
	d, err := c.r.FieldDictRange(field, []byte(word), []byte(word))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	e, err := d.Next()
	if err != nil || e == nil || e.Term != word {
		return nil, err
	}
	return []term{{field: field, text: word, count: e.Count}}, nil
}

func stemOf(word string) string {
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

// slips gives the words one slip away: a letter more, less or wrong, or two
// swapped. Words of three letters and less are left alone, and so is the first
// letter of the others, which people rarely get wrong.
func (c *compiler) slips(field, word string) ([]term, error) {
	runes := []rune(word)
	if len(runes) < 4 {
		return c.exact(field, word)
	}
	fr, ok := c.r.(index.IndexReaderFuzzy)
	if !ok {
		return c.exact(field, word)
	}
	var out []term
	d, err := fr.FieldDictFuzzy(field, word, 1, string(runes[:1]))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for {
		e, err := d.Next()
		if err != nil {
			return nil, err
		}
		if e == nil || len(out) >= maxTerms {
			break
		}
		out = append(out, term{field: field, text: strings.Clone(e.Term), count: e.Count})
	}
	for i := 1; i+1 < len(runes); i++ {
		s := slices.Clone(runes)
		s[i], s[i+1] = s[i+1], s[i]
		if s[i] == s[i+1] {
			continue
		}
		found, err := c.exact(field, string(s))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
