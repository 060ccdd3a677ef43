package bundle

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// What is looked for before anything leaves: names, addresses and domains of clients
// that the bundle is not about, words that may mean privilege, and words to redact.

type foreign struct {
	needle
	of string
}

// privilege are the words that hold a message until a person has decided. What a
// disclaimer says below a message is not counted.
var privilege = []struct{ code, words string }{
	{"WP", "without prejudice"}, {"PRIV", "subject to contract"}, {"PRIV", "privileged"}, {"PRIV", "legal privilege"}, {"PRIV", "legal professional privilege"},
	{"PRIV", "litigation privilege"}, {"PRIV", "attorney-client"}, {"PRIV", "attorney client"}, {"PRIV", "legal advice"}, {"PRIV", "work product"},
}

// foreigners are the needles of all clients but the one the bundle is about.
func foreigners(people trail.People, client string) []foreign {
	var out []foreign
	mine := func(p trail.Party) bool { return strings.EqualFold(p.Name, client) }
	shared := map[string]bool{}
	for _, p := range append(append([]trail.Party{}, people.Clients...), people.Others...) {
		if mine(p) || slices.ContainsFunc(people.Others, func(o trail.Party) bool { return o.Name == p.Name }) {
			for _, a := range append(slices.Clone(p.Addresses), p.Domains...) {
				shared[strings.ToLower(strings.TrimPrefix(a, "@"))] = true
			}
		}
	}
	for _, a := range people.Us {
		shared[strings.ToLower(a)] = true
	}
	for _, p := range people.Clients {
		if mine(p) {
			continue
		}
		words := []string{p.Name}
		for _, a := range append(slices.Clone(p.Addresses), p.Domains...) {
			if a = strings.ToLower(strings.TrimPrefix(a, "@")); !shared[a] {
				words = append(words, a)
			}
		}
		for _, w := range words {
			if len([]rune(strings.TrimSpace(w))) >= 3 {
				n := newNeedle(w, true)
				n.tight, n.s = false, fold(w, false).s
				out = append(out, foreign{n, p.Name})
			}
		}
	}
	return out
}

// spot is a text of a message, and what it is.
type spot struct {
	where string
	text  string
	legal bool // a disclaimer, which is longer than a remark
	again bool // another form of what stands before it
}

// scanner looks through one message.
type scanner struct {
	b      *bag
	x      *exhibit
	leaves []*scanned
	page   *scanned // its HTML
}

// leaf keeps what can be looked through.
func (s *scanner) leaf(l message.Leaf) io.Writer {
	if l.ContentType == "text/html" && l.Text {
		s.x.html = true
	}
	if l.Text && l.ContentType == "text/html" && !l.Foreign && s.page == nil {
		s.page = &scanned{Leaf: l}
		if len(s.b.redact) > 0 {
			s.page.sum = sha256.New()
		}
		if len(s.b.foreign)+len(s.b.redact) == 0 {
			return s.page
		}
		s.leaves = append(s.leaves, s.page)
		return s.page
	}
	if len(s.b.foreign)+len(s.b.redact) == 0 || len(s.b.redact) == 0 && l.Foreign && !strings.HasPrefix(l.ContentType, "text/") && l.Name == "" {
		return nil
	}
	x := &scanned{Leaf: l}
	if len(s.b.redact) > 0 {
		x.sum = sha256.New()
	}
	s.leaves = append(s.leaves, x)
	if searchable(l) {
		return x
	}
	x.over = true
	if len(s.b.redact) > 0 {
		return io.MultiWriter(x, &raw{b: s.b, x: s.x})
	}
	return nil
}

// places lists the texts of a message.
func (s *scanner) places() []spot {
	x := s.x
	out := []spot{{where: "subject", text: x.m.Subject}}
	for _, l := range []struct {
		name string
		list []message.Address
	}{{"From", x.m.From}, {"To", x.m.To}, {"Cc", x.m.Cc}, {"Bcc", x.m.Bcc}} {
		for _, a := range l.list {
			out = append(out, spot{where: l.name + " field", text: a.Name + " <" + a.Address + ">"})
		}
	}
	for _, p := range x.m.Parts {
		out = append(out, spot{where: "attachment name", text: p.Name})
	}
	for _, o := range x.Info.Occurrences {
		out = append(out, spot{where: "folder name", text: o.Folder})
	}
	out = append(out, spot{where: "name of the file it came from", text: x.seen.Path})
	out = append(out, zones(x)...)
	// What was found above is not found again in its raw form.
	out = append(out, spot{where: "header section", text: string(x.head), again: true})
	for _, l := range s.leaves {
		where := "other part " + l.Number
		if l.Name != "" {
			where = "attachment " + l.Name
		}
		t, ok, whole := l.words()
		if !whole || l.ContentType == "message/rfc822" && wrapped(t, false) && !s.opened(l) {
			s.dark(l)
		}
		if ok {
			out = append(out, spot{where: where, text: t, again: l.Text})
		}
	}
	return out
}

// zones are the stretches of the text. The zones of a message count in its own text,
// which is the one given unless the reader has changed since.
func zones(x *exhibit) []spot {
	words := map[message.ZoneKind]string{message.New: "text", message.Quoted: "quoted history", message.Forwarded: "forwarded message", message.Signature: "signature", message.Legal: "disclaimer"}
	var out []spot
	at := 0
	for _, z := range x.m.Zones {
		if z.Start != at || z.End < z.Start || z.End > len(x.Text) {
			break
		}
		out = append(out, spot{where: words[z.Kind], text: x.Text[z.Start:z.End], legal: z.Kind == message.Legal && z.End-z.Start > 100})
		at = z.End
	}
	if at < len(x.Text) {
		out = append(out, spot{where: "text", text: x.Text[at:]})
	}
	return out
}

// finish looks through what was kept of the message.
func (s *scanner) finish() {
	x := s.x
	all := s.places()
	if s.page != nil {
		x.other = compare(s.page.data[:min(len(s.page.data), maxHTML)], s.page.Charset, x.Text)
		if x.m.FromHTML {
			x.other.more = nil // it is what is printed
		}
	}
	s.leaves, s.page = nil, nil
	defer x.lock(s.b)
	found := map[string]bool{}
	for _, p := range all {
		h := haystack{text: p.text}
		for _, f := range s.b.foreign {
			if (!p.again || !found[f.s+"\n"+f.of]) && h.has(f.needle) {
				found[f.s+"\n"+f.of] = true
				s.b.hold("OTHER-CLIENT", x.Ref, p.where, f.s, f.of)
			}
		}
		for _, r := range s.b.redact {
			for _, n := range r.needles {
				x.blacked = x.blacked || h.has(n)
			}
		}
		if p.again || p.legal || strings.HasPrefix(p.where, "attachment") {
			continue
		}
		for _, w := range s.b.privilege {
			if h.has(w.needle) {
				s.b.hold(w.of, x.Ref, p.where, w.s, "")
			}
		}
		for _, n := range s.b.lawyers {
			if strings.HasSuffix(p.where, " field") && h.has(n) {
				s.b.hold("PRIV", x.Ref, p.where, n.s, "")
			}
		}
	}
}

// hold notes a place that a person has to decide about, once.
func (b *bag) hold(code string, ref archive.Ref, where, words, of string) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s", code, ref.Hex(), where, words, of))
	h := Hold{ID: fmt.Sprintf("h-%x", sum[:4]), Code: code, Ref: ref, Where: where, Words: words, Of: of}
	if !slices.ContainsFunc(b.holds, func(o Hold) bool { return o.ID == h.ID }) {
		b.holds = append(b.holds, h)
	}
}

// decided finds what a person decided about a hold.
func (b *bag) decided(h Hold) *Decision {
	for i := range b.in.Decisions {
		if d := &b.in.Decisions[i]; strings.EqualFold(d.ID, h.ID) || h.Ref != (archive.Ref{}) && names(d.ID, h.Ref) {
			return d
		}
	}
	return nil
}

// names tells whether id is a message's ref, or at least six digits of it.
func names(id string, ref archive.Ref) bool {
	id = strings.ToLower(strings.TrimPrefix(id, "sha256-"))
	return len(id) >= 6 && strings.HasPrefix(ref.Hex(), id)
}

// settle applies the decisions: an error where one is missing, and the messages that
// are to be withheld.
func (b *bag) settle() (map[archive.Ref]Withheld, error) {
	out := map[archive.Ref]Withheld{}
	var open []Hold
	withhold := func(ref archive.Ref, d *Decision, code string) {
		if _, ok := out[ref]; ok {
			return
		}
		if d.Code != "" {
			code = d.Code
		}
		out[ref] = Withheld{Ref: ref, Code: code, Basis: d.Reason}
	}
	for _, x := range b.taken {
		for i := range b.in.Decisions {
			if d := &b.in.Decisions[i]; d.Withhold && names(d.ID, x.Ref) {
				withhold(x.Ref, d, "PERSONAL")
			}
		}
	}
	for _, h := range b.holds {
		d := b.decided(h)
		switch {
		case d == nil:
			if _, gone := out[h.Ref]; !gone {
				open = append(open, h)
			}
		case strings.TrimSpace(d.Reason) == "":
			return nil, fmt.Errorf("the decision about %s has no reason", d.ID)
		case d.Withhold && h.Ref != (archive.Ref{}):
			withhold(h.Ref, d, h.Code)
		case d.Withhold:
			return nil, fmt.Errorf("%s stands in the %s: change it, or release it", d.ID, h.Where)
		}
	}
	open = slices.DeleteFunc(open, func(h Hold) bool { _, gone := out[h.Ref]; return gone })
	if len(open) > 0 {
		return nil, &HeldError{open}
	}
	for _, w := range out {
		if Codes[w.Code] == "" {
			return nil, fmt.Errorf("withholding %s: %q is no code; there are NOT-SEARCHED, OTHER-CLIENT, PERSONAL, PRIV, SPECIAL-CATEGORY and WP", w.Ref, w.Code)
		}
	}
	return out, nil
}

// Withheld is a message that is listed and not in the bundle.
type Withheld struct {
	Ref   archive.Ref
	Code  string
	Basis string
}

// screenRest looks through what is told beside the messages.
func (b *bag) screenRest() {
	texts := []spot{{where: "title", text: b.in.Title}, {where: "question", text: b.in.Trail.Question}, {where: "words on the cover", text: b.in.Cover}}
	for _, m := range b.in.Trail.Coverage.Mailboxes {
		texts = append(texts, spot{where: "mailbox list", text: m.Address})
	}
	for _, o := range b.in.Outside {
		texts = append(texts, spot{where: "name of a file from outside", text: o.Name + " " + o.Note})
	}
	for _, l := range b.in.Trail.LeftOut {
		texts = append(texts, spot{where: "reason for leaving out", text: l.Reason})
	}
	for _, p := range texts {
		h := haystack{text: p.text}
		for _, f := range b.foreign {
			if h.has(f.needle) {
				b.hold("OTHER-CLIENT", archive.Ref{}, p.where, f.s, f.of)
			}
		}
	}
}
