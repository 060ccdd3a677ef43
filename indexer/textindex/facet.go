package textindex

import (
	"fmt"
	"strconv"
	"time"

	index "github.com/blevesearch/bleve_index_api"
)

// maxFacet bounds the values of a facet that is counted term by term.
const maxFacet = 200

// facet counts the values of one field.
type facet struct {
	name   string
	counts map[string]int

	// Counted term by term: the terms stand at numbers of statements, or belong
	// to the message.
	terms    []string
	walks    []*postings
	numbered bool

	// Or read from the message's doc values.
	values index.DocValueReader
	value  func(term []byte) string
	buf    index.IndexInternalID
}

func (c *compiler) facets(names []string) ([]*facet, error) {
	var out []*facet
	for _, name := range names {
		f := &facet{name: name, counts: map[string]int{}}
		var err error
		switch name {
		case FieldAuthor:
			f.values, err = c.r.DocValueReader([]string{FieldAuthor})
			f.value = func(term []byte) string { return string(term) }
		case FieldMonth:
			f.values, err = c.r.DocValueReader([]string{fieldWhen})
			f.value = monthOf
		case FieldKind, FieldNames, FieldMailbox:
			f.numbered = name != FieldMailbox
			err = f.read(c)
		default:
			err = fmt.Errorf("no facet of %q", name)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (f *facet) read(c *compiler) error {
	d, err := c.r.FieldDict(f.name)
	if err != nil {
		return err
	}
	defer d.Close()
	for len(f.terms) < maxFacet {
		e, err := d.Next()
		if err != nil || e == nil {
			return err
		}
		p, err := c.walk(f.name, e.Term, f.numbered)
		if err != nil {
			return err
		}
		f.terms, f.walks = append(f.terms, e.Term), append(f.walks, p)
	}
	return nil
}

// count adds what of the message fits: fits tells when some is set, else all.
func (f *facet) count(d *candidateDoc, some bool, fits set) error {
	n := len(d.spans)
	if some {
		n = fits.count()
	}
	if n == 0 {
		return nil
	}
	if f.values != nil {
		f.buf = index.NewIndexInternalID(f.buf, d.n)
		return f.values.VisitDocValues(f.buf, func(_ string, term []byte) { f.counts[f.value(term)] += n })
	}
	for i, p := range f.walks {
		ok, err := p.advance(d)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case !f.numbered || d.whole():
			f.counts[f.terms[i]] += n
		default:
			last := uint64(0)
			for _, v := range p.doc.Vectors {
				at := int(v.Pos) - 1
				if v.Pos != last && at >= 0 && at < len(d.spans) && (!some || fits.has(at)) {
					f.counts[f.terms[i]]++
				}
				last = v.Pos
			}
		}
	}
	return nil
}

// monthOf reads a whenKey.
func monthOf(term []byte) string {
	v, err := strconv.ParseInt(string(term), 16, 64)
	if err != nil || v == whenBias {
		return ""
	}
	return time.Unix(v-whenBias, 0).UTC().Format("2006-01")
}
