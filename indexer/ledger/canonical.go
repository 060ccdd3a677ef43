package ledger

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fields gathers one entry's members and writes them as canonical JSON
// (RFC 8785: keys sorted, shortest escapes, no white space; no floats here).
type fields struct {
	all []member
	err error
}

type member struct {
	key  string
	kind byte // 's', 'n', 'l', 'y'; 'r' for what is JSON already
	s    string
	n    int64
	l    []string
}

func (f *fields) str(k, v string)           { f.all = append(f.all, member{key: k, kind: 's', s: v}) }
func (f *fields) list(k string, v []string) { f.all = append(f.all, member{key: k, kind: 'l', l: v}) }

func (f *fields) nums(k string, v []int64) {
	b := []byte{'['}
	for i, n := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	f.all = append(f.all, member{key: k, kind: 'r', s: string(append(b, ']'))})
}

// objects writes a list of n objects, each filled by fill.
func (f *fields) objects(k string, n int, fill func(int, *fields)) {
	b := []byte{'['}
	for i := range n {
		var o fields
		fill(i, &o)
		if o.err != nil {
			f.err = o.err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = o.appendTo(b)
	}
	f.all = append(f.all, member{key: k, kind: 'r', s: string(append(b, ']'))})
}

func (f *fields) yes(k string) { f.all = append(f.all, member{key: k, kind: 'y'}) }

func (f *fields) num(k string, v int64) {
	// RFC 8785 numbers are doubles: beyond 2^53 two integers share one form.
	if v > 1<<53 || v < -(1<<53) {
		f.err = fmt.Errorf("%s is %d, beyond what JSON numbers can tell apart", k, v)
	}
	f.all = append(f.all, member{key: k, kind: 'n', n: v})
}

func (f *fields) appendTo(b []byte) []byte {
	// A dozen keys: insertion sort.
	for i := 1; i < len(f.all); i++ {
		for j := i; j > 0 && f.all[j].key < f.all[j-1].key; j-- {
			f.all[j], f.all[j-1] = f.all[j-1], f.all[j]
		}
	}
	b = append(b, '{')
	for i := range f.all {
		m := &f.all[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, m.key...)
		b = append(b, '"', ':')
		switch m.kind {
		case 's':
			b = appendString(b, m.s)
		case 'n':
			b = fmt.Append(b, m.n)
		case 'y':
			b = append(b, "true"...)
		case 'r':
			b = append(b, m.s...)
		case 'l':
			b = append(b, '[')
			for k, s := range m.l {
				if k > 0 {
					b = append(b, ',')
				}
				b = appendString(b, s)
			}
			b = append(b, ']')
		}
	}
	return append(b, '}')
}

// octetsPrefix marks a string that is not UTF-8, or that starts like the mark
// itself, and is therefore written in base64. Nothing is lost, nothing collides.
const octetsPrefix = "base64:"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if !utf8.ValidString(s) || strings.HasPrefix(s, octetsPrefix) {
		b = append(b, octetsPrefix...)
		b = base64.StdEncoding.AppendEncode(b, []byte(s))
		return append(b, '"')
	}
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		// RFC 8785 section 3.2.2.2.
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = fmt.Appendf(b, "\\u%04x", c)
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
