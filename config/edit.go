package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"inwriting/indexer/durable"
)

// ErrByHand means that a file is written in a way that is not edited without
// losing something of it.
var ErrByHand = errors.New("edit the file by hand")

// ErrNoSection means that a file has no section of that name or address.
var ErrNoSection = errors.New("not in the configuration")

// Editor changes a configuration file and leaves everything else in it as it is:
// comments, order, spaces. Each change is checked; one that would make the file
// invalid, or change more than it says, is refused and the file stays.
type Editor struct {
	path string
	src  []byte
	perm os.FileMode
}

// Edit opens the file at path, which need not exist yet.
func Edit(path string) (*Editor, error) {
	// Through a link, so that the file it points to changes and not the link.
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	e := &Editor{path: path, perm: 0o600}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return e, nil
	case err != nil:
		return nil, fmt.Errorf("reading configuration %q: %w", path, err)
	}
	if fi, err := os.Stat(path); err == nil {
		e.perm = fi.Mode().Perm()
	}
	e.src = b
	return e, nil
}

// Config returns what the file says as it stands now.
func (e *Editor) Config() (*Config, error) { return Parse(e.path, e.src) }

// Bytes returns the file as it stands now.
func (e *Editor) Bytes() []byte { return e.src }

// Save writes the file, whole or not at all, durable on return.
func (e *Editor) Save() error {
	if _, err := e.Config(); err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return fmt.Errorf("writing configuration: %w", err)
	}
	if err := durable.WriteFile(e.path, e.src, e.perm); err != nil {
		return fmt.Errorf("writing configuration: %w", err)
	}
	return nil
}

// AddMailbox appends a [[mailbox]] with those settings of m that are set.
func (e *Editor) AddMailbox(m Mailbox) error { return e.append("mailbox", m) }

// AddClient and AddOther append a party.
func (e *Editor) AddClient(p Party) error { return e.append("client", p) }
func (e *Editor) AddOther(p Party) error  { return e.append("other", p) }

func (e *Editor) append(section string, v any) error {
	var b bytes.Buffer
	b.Write(e.src)
	if n := len(e.src); n > 0 {
		if e.src[n-1] != '\n' {
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	writeSection(&b, section, reflect.ValueOf(v))
	return e.change(b.Bytes())
}

// RemoveMailbox cuts the block of that address.
func (e *Editor) RemoveMailbox(address string) error {
	at, err := e.block("mailbox", "address", address)
	if err != nil {
		return err
	}
	start, end := at.start, at.end
	// One of the empty lines around it goes with it.
	if end < len(e.src) && e.src[end] == '\n' {
		end++
	} else if end == len(e.src) && start > 1 && string(e.src[start-2:start]) == "\n\n" {
		start--
	}
	before, err := e.Config()
	if err != nil {
		return err
	}
	out := append(bytes.Clone(e.src[:start]), e.src[end:]...)
	after, err := Parse(e.path, out)
	if err != nil {
		return err
	}
	if len(after.Mailboxes) != len(before.Mailboxes)-1 {
		return fmt.Errorf("removing mailbox %q from %q: %w", address, e.path, ErrByHand)
	}
	return e.change(out)
}

// SetMailbox sets one setting in the block of that address, nil removes it.
func (e *Editor) SetMailbox(address, key string, value any) error {
	at, err := e.block("mailbox", "address", address)
	if err != nil {
		return err
	}
	root, err := parseTree(e.src)
	if err != nil {
		return fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	return e.set(find(root, "mailbox", "address", address).get(key), at, key, value)
}

// set changes or removes the setting that m is, or adds one at the end of a block.
func (e *Editor) set(m *member, at span, key string, value any) error {
	var text string
	if value != nil {
		text = literal(reflect.ValueOf(value))
	}
	var out []byte
	switch {
	case m == nil && value == nil:
		return nil
	case m == nil:
		out = append(out, e.src[:at.end]...)
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
		out = append(out, key+" = "+text+"\n"...)
		out = append(out, e.src[at.end:]...)
	case m.val.kind == unstable.Array:
		start, end, ok := e.list(m)
		switch {
		case !ok:
			return fmt.Errorf("setting %q: a comment stands in its list: %w", key, ErrByHand)
		case value == nil:
			start = bytes.LastIndexByte(e.src[:m.at.start], '\n') + 1
			end += lineLen(e.src[end:])
		}
		out = append(append(append(out, e.src[:start]...), text...), e.src[end:]...)
	case m.val.kind == unstable.Table || bytes.IndexByte(e.src[m.val.at.start:m.val.at.end], '\n') >= 0:
		return fmt.Errorf("setting %q: it is a list or stands on several lines: %w", key, ErrByHand)
	case value == nil:
		start := bytes.LastIndexByte(e.src[:m.at.start], '\n') + 1
		out = append(append(out, e.src[:start]...), e.src[start+lineLen(e.src[start:]):]...)
	default: // a comment behind the value stays
		out = append(append(append(out, e.src[:m.val.at.start]...), text...), e.src[m.val.at.end:]...)
	}
	return e.change(out)
}

// AddMe adds an address that is us.
func (e *Editor) AddMe(address string) error {
	root, err := parseTree(e.src)
	if err != nil {
		return fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	if m := root.get("me"); m != nil {
		return e.change(e.extend(m, address))
	}
	// Before everything: what follows a section belongs to it.
	line := fmt.Sprintf("me = [%s]\n", strconv.Quote(address))
	if len(e.src) > 0 && !startsWithComment(e.src) {
		return e.change(append([]byte(line), e.src...))
	}
	return e.change(afterComments(e.src, line))
}

// SetTop sets a setting that stands outside all sections.
func (e *Editor) SetTop(key string, value any) error {
	root, err := parseTree(e.src)
	if err != nil {
		return fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	line := fmt.Sprintf("%s = %s\n", key, literal(reflect.ValueOf(value)))
	if m := root.get(key); m != nil {
		return e.set(m, span{}, key, value)
	}
	return e.change(afterComments(e.src, line))
}

// AddToParty adds an address or a domain to a party, told by name; key is
// "addresses" or "domains".
func (e *Editor) AddToParty(section, name, key, value string) error {
	root, err := parseTree(e.src)
	if err != nil {
		return fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	t := find(root, section, "name", name)
	if t == nil {
		return fmt.Errorf("[[%s]] %q: %w", section, name, ErrNoSection)
	}
	if m := t.get(key); m != nil {
		return e.change(e.extend(m, value))
	}
	at, err := e.block(section, "name", name)
	if err != nil {
		return err
	}
	return e.set(nil, at, key, []string{value})
}

// AddAuthority adds a person's right to speak for a client.
func (e *Editor) AddAuthority(client string, r Authority) error {
	root, err := parseTree(e.src)
	if err != nil {
		return fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	t := find(root, "client", "name", client)
	if t == nil {
		return fmt.Errorf("[[client]] %q: %w", client, ErrNoSection)
	}
	at, err := e.block("client", "name", client)
	if err != nil {
		return err
	}
	// Behind those it has: a section below [[client]] belongs to the client above it.
	if m := t.get("authority"); m != nil {
		if n := len(m.val.items); n > 0 && m.val.items[n-1].head {
			at.end = e.blockEnd(root, m.val.items[n-1].at.start)
		}
	}
	var b bytes.Buffer
	b.Write(e.src[:at.end])
	if n := b.Len(); n > 0 && b.Bytes()[n-1] != '\n' {
		b.WriteByte('\n')
	}
	writeSection(&b, "client.authority", reflect.ValueOf(r))
	b.Write(e.src[at.end:])
	return e.change(b.Bytes())
}

// list returns where a list stands, from its "[" to behind its "]"; false when there is
// more between its last item and its end than spaces and a comma.
func (e *Editor) list(m *member) (start, end int, ok bool) {
	start = m.at.end + bytes.IndexByte(e.src[m.at.end:], '[')
	end = start + 1
	if n := len(m.val.items); n > 0 {
		end = m.val.items[n-1].at.end
	}
	n := bytes.IndexByte(e.src[end:], ']')
	if n < 0 || len(bytes.Trim(e.src[end:end+n], ", \t\r\n")) > 0 {
		return 0, 0, false
	}
	return start, end + n + 1, true
}

// extend adds a text to a list, after its last item.
func (e *Editor) extend(m *member, value string) []byte {
	text := strconv.Quote(value)
	at := m.at.end + bytes.IndexByte(e.src[m.at.end:], '[') + 1
	if n := len(m.val.items); n > 0 {
		at, text = m.val.items[n-1].at.end, ", "+text
	}
	return append(append(bytes.Clone(e.src[:at]), text...), e.src[at:]...)
}

// change takes the new text when it is a valid configuration.
func (e *Editor) change(src []byte) error {
	if _, err := Parse(e.path, src); err != nil {
		return err
	}
	e.src = src
	return nil
}

// find returns the section whose setting key has that value.
func find(root *value, section, key, want string) *value {
	m := root.get(section)
	if m == nil || m.val.kind != unstable.Array {
		return nil
	}
	for _, t := range m.val.items {
		if k := t.get(key); k != nil && strings.EqualFold(k.val.text, want) {
			return t
		}
	}
	return nil
}

// block returns the lines of a section from its [[header]] to its last setting.
// Empty lines and comments that follow belong to what comes next.
func (e *Editor) block(section, key, want string) (span, error) {
	root, err := parseTree(e.src)
	if err != nil {
		return span{}, fmt.Errorf("reading configuration %q: %w", e.path, err)
	}
	t := find(root, section, key, want)
	switch {
	case t == nil:
		return span{}, fmt.Errorf("[[%s]] %q: %w", section, want, ErrNoSection)
	case !t.head:
		return span{}, fmt.Errorf("[[%s]] %q is not a section of its own in %q: %w", section, want, e.path, ErrByHand)
	}
	start := bytes.LastIndexByte(e.src[:t.at.start], '\n') + 1
	return span{start, e.blockEnd(root, t.at.start)}, nil
}

// blockEnd returns where the section whose name stands at a place ends.
func (e *Editor) blockEnd(root *value, at int) int {
	start, end := bytes.LastIndexByte(e.src[:at], '\n')+1, len(e.src)
	var heads func(v *value)
	heads = func(v *value) {
		if v.head && v.kind == unstable.Table && v.at.start > at {
			end = min(end, bytes.LastIndexByte(e.src[:v.at.start], '\n')+1)
		}
		for _, it := range v.items {
			heads(it)
		}
		for _, m := range v.keys {
			heads(m.val)
		}
	}
	heads(root)
	for end > start {
		line := bytes.LastIndexByte(e.src[:end-1], '\n') + 1
		text := strings.TrimSpace(string(e.src[line:end]))
		if text != "" && text[0] != '#' {
			break
		}
		end = line
	}
	return end
}

// writeSection writes the settings of v that are not zero, those of sections
// within it after the others.
func writeSection(b *bytes.Buffer, section string, v reflect.Value) {
	fmt.Fprintf(b, "[[%s]]\n", section)
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("toml")
		if tag == "" || f.IsZero() || f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
			continue
		}
		if text := literal(f); text != "" {
			fmt.Fprintf(b, "%s = %s\n", tag, text)
		}
	}
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("toml")
		if tag != "" && f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
			for j := range f.Len() {
				writeSection(b, section+"."+tag, f.Index(j))
			}
		}
	}
}

// literal is a value as TOML writes it. strconv.Quote writes a basic string for
// everything a setting may hold but the escapes \a, \v and \x, which Parse refuses.
func literal(v reflect.Value) string {
	if t, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := t.MarshalText()
		if err != nil || len(b) == 0 {
			return ""
		}
		return strconv.Quote(string(b))
	}
	switch v.Kind() {
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, literal(v.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return fmt.Sprint(v.Interface())
}

func lineLen(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

func startsWithComment(b []byte) bool { return len(b) > 0 && (b[0] == '#' || b[0] == '\n') }

// afterComments puts a line behind the comment a file begins with.
func afterComments(src []byte, line string) []byte {
	at := 0
	for at < len(src) && src[at] == '#' {
		at += lineLen(src[at:])
	}
	var out []byte
	out = append(out, src[:at]...)
	if at > 0 && at < len(src) && src[at] == '\n' {
		out = append(out, '\n')
		at++
	}
	out = append(out, line...)
	return append(out, src[at:]...)
}

// Path returns the file's path; through a link, where the link points to.
func (e *Editor) Path() string { return e.path }
