package message

import (
	"strconv"
	"strings"
)

// tint is what the markup makes of the letters: one bit for each thing that people call
// by a name when they say how they have marked their answers.
type tint uint8

const (
	tintRed tint = 1 << iota
	tintBlue
	tintGreen
	tintOther // any other colour that is none of the greys
	tintBold
	tintItalic
	tintMarker // a coloured background

	tintColour = tintRed | tintBlue | tintGreen | tintOther
)

// A run is a stretch of text in one tint.
type run struct {
	Span
	tint tint
}

// tintWords are the words for tints, each after one that means "in".
var tintWords = map[string]tint{
	"red": tintRed, "rot": tintRed, "roter": tintRed, "rouge": tintRed, "rojo": tintRed, "rood": tintRed, "rosso": tintRed, "vermelho": tintRed,
	"blue": tintBlue, "blau": tintBlue, "blauer": tintBlue, "bleu": tintBlue, "azul": tintBlue, "blauw": tintBlue, "blu": tintBlue,
	"green": tintGreen, "grün": tintGreen, "grüner": tintGreen, "vert": tintGreen, "verde": tintGreen, "groen": tintGreen,
	"purple": tintOther, "orange": tintOther, "pink": tintOther, "yellow": tintOther | tintMarker, "lila": tintOther, "violet": tintOther,
	"colour": tintColour, "color": tintColour, "coloured": tintColour, "colored": tintColour, "farbe": tintColour, "farbig": tintColour, "couleur": tintColour,
	"bold": tintBold, "fett": tintBold, "gras": tintBold, "negrita": tintBold, "grassetto": tintBold, "italics": tintItalic, "italic": tintItalic, "kursiv": tintItalic,
	"highlighted": tintMarker, "highlight": tintMarker,
}

// tintNamed reads which tint the author says the answers are in: "see my answers in red".
func tintNamed(s string) tint {
	if len(s) > 4000 {
		s = s[:4000]
	}
	var found tint
	since := 9 // words since one that means "in"
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" \t\n.,;:!?()\"'-", r) }) {
		switch w {
		case "in", "with", "using", "auf", "en", "mit":
			since = 0
			continue
		}
		if since++; since <= 3 || w == "highlighted" {
			found |= tintWords[w]
		}
	}
	return found
}

// tintOf reads the tint that an element gives its text. set tells which kinds of tint
// the element speaks of at all: black is none, and ends the red around it.
func tintOf(tag string, a *attrs) (t, set tint) {
	switch tag {
	case "b", "strong":
		t, set = tintBold, tintBold
	case "i", "em":
		t, set = tintItalic, tintItalic
	case "font":
		if a.color != "" {
			t, set = colourOf(a.color), tintColour
		}
	}
	if a.style == "" || tag == "a" {
		return t, set
	}
	for rest := a.style; rest != ""; {
		var d string
		d, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(d, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.TrimSpace(strings.TrimSuffix(strings.ToLower(value), "!important"))
		switch name {
		case "color":
			t, set = t&^tintColour|colourOf(value), set|tintColour
		case "background", "background-color":
			set |= tintMarker
			if t &^= tintMarker; colourOf(value) != 0 {
				t |= tintMarker
			}
		case "font-weight":
			set |= tintBold
			if t &^= tintBold; value == "bold" || value == "bolder" || len(value) == 3 && value >= "600" {
				t |= tintBold
			}
		case "font-style":
			set |= tintItalic
			if t &^= tintItalic; value == "italic" {
				t |= tintItalic
			}
		}
	}
	return t, set
}

var colourNames = map[string]tint{"red": tintRed, "darkred": tintRed, "crimson": tintRed, "firebrick": tintRed, "maroon": tintRed, "blue": tintBlue, "darkblue": tintBlue, "navy": tintBlue,
	"mediumblue": tintBlue, "royalblue": tintBlue, "green": tintGreen, "darkgreen": tintGreen, "lime": tintGreen, "limegreen": tintGreen, "purple": tintOther, "orange": tintOther,
	"magenta": tintOther, "fuchsia": tintOther, "teal": tintOther, "yellow": tintOther, "pink": tintOther, "violet": tintOther, "brown": tintOther}

// colourOf gives the tint of a colour as CSS and HTML write it; greys have none.
func colourOf(s string) tint {
	s = strings.ToLower(strings.Trim(s, `"' `))
	if t, ok := colourNames[s]; ok {
		return t
	}
	var rgb [3]int
	switch {
	case strings.HasPrefix(s, "rgb"):
		i := strings.IndexByte(s, '(')
		if i < 0 {
			return 0
		}
		parts := strings.FieldsFunc(strings.TrimRight(s[i+1:], ")"), func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
		if len(parts) < 3 {
			return 0
		}
		for k := range rgb {
			rgb[k], _ = strconv.Atoi(parts[k])
		}
	default:
		h := strings.TrimPrefix(s, "#")
		if len(h) == 3 {
			h = string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
		}
		v, err := strconv.ParseUint(h, 16, 32)
		if len(h) != 6 || err != nil {
			return 0
		}
		rgb = [3]int{int(v >> 16), int(v >> 8 & 255), int(v & 255)}
	}
	r, g, b := rgb[0], rgb[1], rgb[2]
	if max(r, g, b)-min(r, g, b) < 40 {
		return 0
	}
	switch {
	case r > g+60 && r > b+60 && abs(g-b) < 90 && g < 130:
		return tintRed
	case b > r+30 && b >= g+15:
		return tintBlue
	case g > r+30 && g > b+30:
		return tintGreen
	}
	return tintOther
}

func abs(n int) int { return max(n, -n) }

// ink notes that out[from:] was written in the tint that is open.
func (w *htmlWriter) ink(from int) {
	if w.tint == 0 {
		return
	}
	if n := len(w.runs); n > 0 && w.runs[n-1].tint == w.tint && strings.Trim(string(w.out[w.runs[n-1].End:from]), " >\n\t") == "" {
		w.runs[n-1].End = len(w.out)
		return
	}
	if len(w.runs) < maxRuns {
		w.runs = append(w.runs, run{Span{from, len(w.out)}, w.tint})
	}
}

const maxRuns = 2000 // stretches of tinted text in one document

// setTint finds the tint of what is open.
func (w *htmlWriter) setTint() {
	w.tint = 0
	for i := range w.stack {
		w.tint = w.tint&^w.stack[i].tinted | w.stack[i].tint
	}
}

// tinted gives back to the author what stands in history in the tint that the author names
// above it.
func (m *Message) tinted(runs []run) {
	if len(runs) == 0 {
		return
	}
	want := tintNamed(m.top())
	if want == 0 {
		return
	}
	var typed []Span
	quoted, marked := 0, 0
	for _, z := range m.Zones {
		if z.Kind != Quoted && z.Kind != Forwarded {
			continue
		}
		quoted += len(strings.Fields(m.ZoneText(z)))
		for _, r := range runs {
			a, b := max(r.Start, z.Start), min(r.End, z.End)
			if r.tint&want == 0 || a >= b || len(strings.TrimSpace(m.Text[a:b])) == 0 || m.programs(a) {
				continue
			}
			marked += len(strings.Fields(m.Text[a:b]))
			s := m.wholeLines(Span{a, b})
			if n := len(typed); n > 0 && s.Start <= typed[n-1].End {
				s.Start = typed[n-1].Start
				typed = typed[:n-1]
			}
			typed = append(typed, s)
		}
	}
	if 10*marked > 9*quoted {
		return // all of it: the tint is no mark
	}
	m.Zones = overlay(m.Zones, typed, New)
}
