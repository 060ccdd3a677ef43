package demomail

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed mail
var sources embed.FS

// person is somebody who writes or gets mail.
type person struct {
	key, name, address string
	via                string   // the program they write with
	zone               string   // "" is London and Dublin, "cet" Vienna and Berlin, "est" New York
	file               string   // the folder their older mail is filed in; "" is Archive
	sign               []string // signature lines
	dkim               bool     // their server signs
	ours               bool
}

// entry is one message as written down.
type entry struct {
	id      string
	date    time.Time // in the writer's zone
	from    *person
	to, cc  []*person
	subject string
	parent  *entry // answered
	fwd     *entry // passed on
	fields  map[string]string
	attach  []attachment
	body    []string // paragraphs; "" between them
	notice  bool     // from a template
}

func (e *entry) via() string {
	if v := e.fields["via"]; v != "" {
		return v
	}
	return e.from.via
}

func (e *entry) no(field string) bool { return e.fields[field] == "no" }

// parseSources reads every file under mail. The sources are part of the
// program, so a mistake in them is a bug and is reported with its place.
func parseSources(fsys fs.FS) (map[string]*person, []*entry, error) {
	text, err := fs.ReadFile(fsys, "mail/people.txt")
	if err != nil {
		return nil, nil, err
	}
	people := map[string]*person{}
	for _, s := range split("people.txt", string(text)) {
		p := &person{key: s.title}
		for _, h := range s.header {
			switch h.name {
			case "name":
				p.name = h.value
			case "address":
				p.address = h.value
				p.ours = strings.HasSuffix(p.address, "@deskandco.example")
			case "via":
				p.via = h.value
			case "zone":
				p.zone = h.value
			case "file":
				p.file = h.value
			case "dkim":
				p.dkim = h.value == "yes"
			default:
				return nil, nil, fmt.Errorf("%s: unknown line %q", s.place, h.name)
			}
		}
		p.sign = trimBlank(s.body)
		if p.address == "" || p.via == "" {
			return nil, nil, fmt.Errorf("%s: a person needs an address and a program", s.place)
		}
		people[p.key] = p
	}

	files, err := fs.Glob(fsys, "mail/*.txt")
	if err != nil {
		return nil, nil, err
	}
	r := &reader{people: people, byID: map[string]*entry{}}
	for _, name := range files {
		if path.Base(name) == "people.txt" {
			continue
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range split(path.Base(name), string(text)) {
			if err := r.stanza(s); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", s.place, err)
			}
		}
	}
	if err := r.link(); err != nil {
		return nil, nil, err
	}
	return people, r.entries, nil
}

type field struct{ name, value string }

// stanza is a stretch of a source file from one "===" line to the next.
type stanza struct {
	place  string // file:line
	title  string
	header []field
	body   []string
}

func split(file, text string) []stanza {
	var out []stanza
	inHeader := false
	for i, line := range strings.Split(text, "\n") {
		if title, ok := strings.CutPrefix(line, "=== "); ok {
			out = append(out, stanza{place: file + ":" + strconv.Itoa(i+1), title: title})
			inHeader = true
			continue
		}
		if len(out) == 0 {
			continue // a file may begin with a remark
		}
		s := &out[len(out)-1]
		switch {
		case !inHeader:
			s.body = append(s.body, line)
		case line == "":
			inHeader = false
		default:
			name, value, _ := strings.Cut(line, ":")
			s.header = append(s.header, field{name, strings.TrimSpace(value)})
		}
	}
	return out
}

type reader struct {
	people  map[string]*person
	entries []*entry
	byID    map[string]*entry
}

var knownFields = map[string]bool{"from": true, "to": true, "cc": true, "subject": true, "re": true, "fwd": true,
	"via": true, "quote": true, "sign": true, "refs": true, "mid": true, "charset": true, "cte": true, "attach": true,
	"in": true, "label": true, "raw": true, "delay": true, "flags": true, "list": true}

func (r *reader) stanza(s stanza) error {
	if name, ok := strings.CutPrefix(s.title, "template "); ok {
		return r.template(name, s)
	}
	id, when, ok := strings.Cut(s.title, " ")
	if !ok {
		return fmt.Errorf("a message needs an id, a date and a time, not %q", s.title)
	}
	return r.add(id, when, s.header, s.body, false)
}

func (r *reader) template(name string, s stanza) error {
	cut := -1
	for i, line := range s.body {
		if line == "---" {
			cut = i
		}
	}
	if cut < 0 {
		return fmt.Errorf("template %q has no line ---", name)
	}
	for i, row := range trimBlank(s.body[cut+1:]) {
		cells := strings.Split(row, " | ")
		var pairs []string
		for k, c := range cells[1:] {
			pairs = append(pairs, "{"+strconv.Itoa(k+1)+"}", strings.TrimSpace(c))
		}
		fill := strings.NewReplacer(pairs...)
		header := make([]field, len(s.header))
		for k, h := range s.header {
			header[k] = field{h.name, fill.Replace(h.value)}
		}
		body := make([]string, cut)
		for k, line := range s.body[:cut] {
			body[k] = fill.Replace(line)
		}
		if err := r.add(name+"-"+strconv.Itoa(i+1), cells[0], header, body, true); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *reader) add(id, when string, header []field, body []string, notice bool) error {
	if r.byID[id] != nil {
		return fmt.Errorf("second message %q", id)
	}
	e := &entry{id: id, fields: map[string]string{}, body: trimBlank(body), notice: notice}
	for _, h := range header {
		if !knownFields[h.name] {
			return fmt.Errorf("unknown line %q", h.name)
		}
		var err error
		switch h.name {
		case "from":
			if e.from = r.people[h.value]; e.from == nil {
				err = fmt.Errorf("nobody is called %q", h.value)
			}
		case "to":
			e.to, err = r.list(h.value)
		case "cc":
			e.cc, err = r.list(h.value)
		case "attach":
			name, content, _ := strings.Cut(h.value, " | ")
			e.attach = append(e.attach, attachment{name: name, lines: strings.Split(content, " ; ")})
		default:
			e.fields[h.name] = h.value
		}
		if err != nil {
			return err
		}
	}
	if e.from == nil {
		return fmt.Errorf("message %q has no writer", id)
	}
	local, err := time.Parse("2006-01-02 15:04:05", when)
	if err != nil {
		return fmt.Errorf("message %q: %w", id, err)
	}
	e.date = inZone(local, e.from.zone)
	r.byID[id] = e
	r.entries = append(r.entries, e)
	return nil
}

func (r *reader) list(keys string) ([]*person, error) {
	if keys == "-" {
		return nil, nil
	}
	var out []*person
	for k := range strings.SplitSeq(keys, ",") {
		p := r.people[strings.TrimSpace(k)]
		if p == nil {
			return nil, fmt.Errorf("nobody is called %q", strings.TrimSpace(k))
		}
		out = append(out, p)
	}
	return out, nil
}

// link joins answers to what they answer, and gives them their subjects.
func (r *reader) link() error {
	for _, e := range r.entries {
		for _, l := range []struct {
			name string
			to   **entry
		}{{"re", &e.parent}, {"fwd", &e.fwd}} {
			id := e.fields[l.name]
			if id == "" {
				continue
			}
			other := r.byID[id]
			if other == nil {
				return fmt.Errorf("message %q: there is no message %q", e.id, id)
			}
			if !other.date.Before(e.date) {
				return fmt.Errorf("message %q is older than %q, which it answers", e.id, id)
			}
			*l.to = other
		}
	}
	for _, e := range r.entries {
		if e.subject = r.subjectOf(e); e.subject == "" && e.fields["subject"] != "-" {
			return fmt.Errorf("message %q has no subject", e.id)
		}
	}
	return nil
}

func (r *reader) subjectOf(e *entry) string {
	if s := e.fields["subject"]; s == "-" {
		return ""
	} else if s != "" {
		return s
	}
	switch {
	case e.parent != nil:
		base := baseSubject(r.subjectOf(e.parent))
		switch e.via() {
		case "outlook":
			return "RE: " + base
		case "outlook-de":
			return "AW: " + base
		case "ooo":
			return "Automatic reply: " + base
		case "bounce":
			return "Undelivered Mail Returned to Sender"
		}
		return "Re: " + base
	case e.fwd != nil:
		base := baseSubject(r.subjectOf(e.fwd))
		switch e.via() {
		case "outlook":
			return "FW: " + base
		case "outlook-de":
			return "WG: " + base
		}
		return "Fwd: " + base
	}
	return ""
}

func baseSubject(s string) string {
	for {
		head, rest, ok := strings.Cut(s, ":")
		switch strings.ToLower(head) {
		case "re", "aw", "fw", "fwd", "wg", "automatic reply":
		default:
			return s
		}
		if !ok {
			return s
		}
		s = strings.TrimSpace(rest)
	}
}

// inZone puts a wall clock time into a zone. The zones are written out because
// the octets must not depend on the machine's time zone database.
func inZone(local time.Time, zone string) time.Time {
	hours := map[string]int{"": 0, "cet": 1, "est": -5}[zone]
	name := map[string]string{"": "GMT", "cet": "CET", "est": "EST"}[zone]
	day := local.Format("2006-01-02")
	summer := day < "2022-10-30" || day >= "2023-03-26"
	if zone == "est" {
		summer = day < "2022-11-06" || day >= "2023-03-12"
	}
	if summer {
		hours++
		name = map[string]string{"": "BST", "cet": "CEST", "est": "EDT"}[zone]
	}
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0,
		time.FixedZone(name, hours*3600))
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
