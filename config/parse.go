package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Parse reads and checks a configuration; name stands in messages and is where
// relative paths start. The error is an *Error with everything that is wrong.
func Parse(name string, b []byte) (*Config, error) {
	c := Default()
	c.file, c.src, c.spans = name, b, map[string]span{}

	// The library decides what is TOML. It stops at the first departure, so
	// there is one problem to report, and nothing to say about the settings.
	var any map[string]any
	if err := toml.Unmarshal(b, &any); err != nil {
		p := Problem{File: name, Message: strings.TrimPrefix(err.Error(), "toml: ")}
		var de *toml.DecodeError
		if errors.As(err, &de) {
			line, col := de.Position()
			p = c.problem(span{offset(b, line, col), offset(b, line, col) + 1}, true, p.Message, "")
		}
		return nil, &Error{[]Problem{p}}
	}
	root, err := parseTree(b)
	if err != nil {
		return nil, &Error{[]Problem{{File: name, Message: err.Error()}}}
	}

	d := decoder{c: c}
	d.table(root, reflect.ValueOf(c).Elem(), "", "")
	// A setting that was refused is not also reported as missing.
	for _, p := range c.check() {
		if !d.refused[p.path] {
			d.problems = append(d.problems, p)
		}
	}
	if len(d.problems) > 0 {
		slices.SortStableFunc(d.problems, func(a, b located) int { return a.at.start - b.at.start })
		e := &Error{}
		for _, p := range d.problems {
			e.Problems = append(e.Problems, c.problem(p.at, p.known, p.message, p.hint))
		}
		return nil, e
	}
	return c, nil
}

// Validate checks a configuration that may have been changed or built in code.
// Parse has done so already. The error is an *Error.
func (c *Config) Validate() error {
	ps := c.check()
	if len(ps) == 0 {
		return nil
	}
	e := &Error{}
	for _, p := range ps {
		e.Problems = append(e.Problems, c.problem(p.at, p.known, p.message, p.hint))
	}
	return e
}

// offset turns the library's line and byte column into an offset.
func offset(b []byte, line, col int) int {
	o := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(string(b[o:]), '\n')
		if i < 0 {
			break
		}
		o += i + 1
	}
	return max(0, min(o+col-1, len(b)))
}

// located is a problem whose place is still a stretch of the file.
type located struct {
	path          string
	at            span
	known         bool
	message, hint string
}

// value is one value of the file with its place. A table has keys, an array has
// items, everything else has its text.
type value struct {
	kind  unstable.Kind // Table for every table, however written
	text  string
	items []*value
	keys  []*member
	at    span
	head  bool // a table written as [name], an array written as [[name]]
}

type member struct {
	name string
	at   span // of the key
	val  *value
}

func (v *value) get(name string) *member {
	for _, m := range v.keys {
		if m.name == name {
			return m
		}
	}
	return nil
}

// parseTree reads a file that is known to be TOML into values with places.
func parseTree(b []byte) (*value, error) {
	root := &value{kind: unstable.Table}
	cur := root
	p := &unstable.Parser{}
	p.Reset(b)
	at := func(r unstable.Range) span { return span{int(r.Offset), int(r.Offset + r.Length)} }
	var conv func(n *unstable.Node) *value
	var put func(t *value, n *unstable.Node)
	conv = func(n *unstable.Node) *value {
		v := &value{kind: n.Kind, text: string(n.Data), at: at(n.Raw)}
		it := n.Children()
		switch n.Kind {
		case unstable.Array:
			for it.Next() {
				if it.Node().Kind != unstable.Comment {
					v.items = append(v.items, conv(it.Node()))
				}
			}
		case unstable.InlineTable:
			v.kind = unstable.Table
			for it.Next() {
				if it.Node().Kind == unstable.KeyValue {
					put(v, it.Node())
				}
			}
		}
		return v
	}
	put = func(t *value, n *unstable.Node) {
		var keys []*unstable.Node
		for it := n.Key(); it.Next(); {
			keys = append(keys, it.Node())
		}
		for _, k := range keys[:len(keys)-1] {
			t = descend(t, string(k.Data), at(k.Raw))
		}
		last := keys[len(keys)-1]
		v := conv(n.Value())
		if v.at.end == v.at.start { // the library gives arrays and tables no place
			v.at = at(last.Raw)
		}
		t.keys = append(t.keys, &member{string(last.Data), at(last.Raw), v})
	}
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.KeyValue:
			put(cur, e)
		case unstable.Table, unstable.ArrayTable:
			var keys []*unstable.Node
			for it := e.Key(); it.Next(); {
				keys = append(keys, it.Node())
			}
			cur = root
			for i, k := range keys {
				name, place := string(k.Data), at(k.Raw)
				if i < len(keys)-1 || e.Kind == unstable.Table {
					cur = descend(cur, name, place)
					cur.head = true
					continue
				}
				m := cur.get(name)
				if m == nil {
					m = &member{name, place, &value{kind: unstable.Array, at: place, head: true}}
					cur.keys = append(cur.keys, m)
				}
				t := &value{kind: unstable.Table, at: place, head: true}
				m.val.items = append(m.val.items, t)
				cur = t
			}
		}
	}
	return root, p.Error()
}

// descend enters the table of that name, the last one of an array of tables.
func descend(t *value, name string, at span) *value {
	m := t.get(name)
	if m == nil {
		m = &member{name, at, &value{kind: unstable.Table, at: at}}
		t.keys = append(t.keys, m)
	}
	if n := len(m.val.items); m.val.kind == unstable.Array && n > 0 {
		return m.val.items[n-1]
	}
	return m.val
}

// decoder sets fields from values and collects everything it has to refuse.
type decoder struct {
	c        *Config
	problems []located
	refused  map[string]bool
}

func (d *decoder) refuse(path string, at span, message, hint string) {
	if d.refused == nil {
		d.refused = map[string]bool{}
	}
	d.refused[path] = true
	d.problems = append(d.problems, located{path, at, true, message, hint})
}

func (d *decoder) table(t *value, into reflect.Value, path, where string) {
	fields := map[string]reflect.Value{}
	var names []string
	for i := range into.NumField() {
		if tag := into.Type().Field(i).Tag.Get("toml"); tag != "" {
			fields[tag] = into.Field(i)
			names = append(names, tag)
		}
	}
	for _, m := range t.keys {
		p := m.name
		if path != "" {
			p = path + "." + m.name
		}
		f, ok := fields[m.name]
		if !ok {
			message, hint, meant := unknown(m.name, where, names)
			d.refuse(p, m.at, message, hint)
			if meant != "" { // so that the same slip is not reported a second time as a missing setting
				d.refused[strings.TrimSuffix(p, m.name)+meant] = true
			}
			continue
		}
		d.c.spans[p] = m.val.at
		d.value(m, f, p, where)
	}
}

// unknown phrases the refusal of a key. Some keys are not misspelt but meant.
func unknown(name, where string, names []string) (message, hint, meant string) {
	in := ""
	if where != "" {
		in = " in " + where
	}
	switch strings.ToLower(name) {
	case "password", "pass", "passwd", "secret":
		return fmt.Sprintf("%q%s: a password does not belong in this file, which is copied, backed up and shown to others", name, in),
			"use password_file, password_command, keyring, sealed or credential", ""
	case "token", "refresh_token", "client_secret":
		return fmt.Sprintf("%q%s: a token does not belong in this file, which is copied, backed up and shown to others", name, in),
			`use token_command, or oauth and "inwriting mailbox login"`, ""
	}
	message = fmt.Sprintf("unknown setting %q%s", name, in)
	if best := Nearest(name, names); best != "" {
		return message, fmt.Sprintf("did you mean %q?", best), best
	}
	slices.Sort(names)
	return message, "known here: " + strings.Join(names, ", "), ""
}

func (d *decoder) value(m *member, f reflect.Value, path, where string) {
	wrong := func(v *value, want string) {
		d.refuse(path, v.at, fmt.Sprintf("%s: want %s, got %s", m.name, want, describe(v)), "")
	}
	v := m.val
	if u, ok := f.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if _, day := u.(*Date); v.kind != unstable.String && !(day && v.kind == unstable.LocalDate) {
			wrong(v, "text in quotes")
		} else if err := u.UnmarshalText([]byte(v.text)); err != nil {
			d.refuse(path, v.at, fmt.Sprintf("%s: %v", m.name, err), "")
		}
		return
	}
	switch f.Kind() {
	case reflect.String:
		if v.kind != unstable.String {
			wrong(v, "text in quotes")
			return
		}
		f.SetString(v.text)
	case reflect.Int:
		n, err := strconv.Atoi(v.text)
		if v.kind != unstable.Integer || err != nil {
			wrong(v, "a whole number")
			return
		}
		f.SetInt(int64(n))
	case reflect.Bool:
		if v.kind != unstable.Bool {
			wrong(v, "true or false")
			return
		}
		f.SetBool(v.text == "true")
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.String {
			if v.kind != unstable.Array {
				wrong(v, `a list, as ["…", "…"]`)
				return
			}
			list := []string{}
			for i, e := range v.items {
				if e.kind != unstable.String {
					wrong(e, "text in quotes")
					continue
				}
				d.c.spans[fmt.Sprintf("%s[%d]", path, i)] = e.at
				list = append(list, e.text)
			}
			f.Set(reflect.ValueOf(list))
			return
		}
		section := "[[" + m.name + "]]"
		if v.kind != unstable.Array {
			d.refuse(path, m.at, fmt.Sprintf("%s: there may be several, so each begins with %s", m.name, section), "")
			return
		}
		for i, e := range v.items {
			p := fmt.Sprintf("%s[%d]", path, i)
			if e.kind != unstable.Table {
				wrong(e, "a section "+section)
				continue
			}
			if e.at.end == e.at.start {
				e.at = m.at
			}
			d.c.spans[p] = e.at
			item := reflect.New(f.Type().Elem()).Elem()
			d.table(e, item, p, section)
			f.Set(reflect.Append(f, item))
		}
	}
}

func describe(v *value) string {
	switch v.kind {
	case unstable.String:
		return "text"
	case unstable.Bool:
		return "true or false"
	case unstable.Integer, unstable.Float:
		return "a number"
	case unstable.Array:
		return "a list"
	case unstable.Table:
		return "a section"
	}
	return "a date"
}

// Nearest returns the name that a slip of the finger or two would turn into
// name; "" when none is near.
func Nearest(name string, names []string) string {
	best, bestD := "", 1+max(1, len(name)/3)
	for _, n := range names {
		if d := distance(strings.ToLower(name), n); d < bestD {
			best, bestD = n, d
		}
	}
	if best == "" {
		for _, n := range names { // "folders_exclude" for "exclude"
			if len(n) > 3 && strings.Contains(strings.ToLower(name), n) {
				return n
			}
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
