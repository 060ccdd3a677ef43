package bundle

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"inwriting/search/bundle/pdf"
)

// A message may say one thing in its text and another in its HTML, and its HTML may
// say what nobody sees. Both are told, never lost.

const maxHTML = 1 << 20 // octets looked at

// otherwise is what the HTML of a message says beside its text.
type otherwise struct {
	more   []string // words that stand in the HTML and not in the text
	hidden []string // what is not shown
}

// compare reads the HTML of a message beside the text that is printed.
func compare(doc []byte, label, text string) otherwise {
	var r io.Reader = bytes.NewReader(doc)
	if label != "" {
		if c, err := charset.NewReaderLabel(label, r); err == nil {
			r = c
		}
	}
	root, err := html.Parse(r)
	if err != nil {
		return otherwise{}
	}
	var o otherwise
	var seen strings.Builder
	var walk func(n *html.Node, hidden, colored bool)
	walk = func(n *html.Node, hidden, colored bool) {
		switch n.Type {
		case html.TextNode:
			if s := strings.Join(strings.Fields(n.Data), " "); s != "" && !blankOnly(s) {
				if hidden {
					o.hidden = append(o.hidden, s)
				} else {
					seen.WriteString(s + " ")
				}
			}
			return
		case html.ElementNode:
			switch n.Data {
			case "script", "style", "head", "title", "template", "noscript":
				return
			}
			h, c := looks(n, colored)
			hidden, colored = hidden || h, colored || c
		}
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			walk(k, hidden, colored)
		}
	}
	walk(root, false, false)
	have := map[string]bool{}
	for _, w := range wordsOf(text) {
		have[w] = true
	}
	told := map[string]bool{}
	for _, w := range wordsOf(seen.String()) {
		if !have[w] && !told[w] {
			told[w] = true
			o.more = append(o.more, w)
		}
	}
	// A mailer's line or the name of a picture is no other message.
	if len(o.more) < 3 || len(o.more)*50 < len(have) {
		o.more = nil
	}
	return o
}

func blankOnly(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// wordsOf are the words of a text in lower case; addresses of pages are none.
func wordsOf(s string) []string {
	var out []string
	for _, f := range strings.Fields(strings.ToLower(s)) {
		if strings.Contains(f, "://") {
			continue
		}
		out = append(out, strings.FieldsFunc(f, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	return out
}

// looks tells whether an element hides what is in it, and whether it has a ground that
// white stands out from.
func looks(n *html.Node, colored bool) (hidden, ground bool) {
	white := false
	for _, a := range n.Attr {
		v := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
		switch a.Key {
		case "hidden":
			hidden = true
		case "bgcolor", "background":
			ground = true
		case "color":
			white = white || isWhite(v)
		case "style":
			for _, d := range strings.Split(v, ";") {
				k, val, _ := strings.Cut(d, ":")
				val = strings.TrimSuffix(val, "!important")
				switch k {
				case "display":
					hidden = hidden || val == "none"
				case "visibility":
					hidden = hidden || val == "hidden"
				case "mso-hide":
					hidden = hidden || val == "all"
				case "opacity":
					hidden = hidden || val == "0"
				case "font-size":
					hidden = hidden || val == "0" || val == "0px" || val == "1px" || val == "0pt" || val == "1pt"
				case "background", "background-color":
					ground = ground || val != "transparent" && val != "none" && !isWhite(val)
				case "color":
					white = white || isWhite(val)
				}
			}
		}
	}
	return hidden || white && !ground && !colored, ground
}

func isWhite(v string) bool {
	switch v {
	case "#fff", "#ffffff", "white", "rgb(255,255,255)", "#fefefe":
		return true
	}
	return false
}

// otherwise prints what the HTML of a message says beside its text.
func (p *printer) otherwise(x *exhibit) {
	o := x.other
	if len(o.more)+len(o.hidden) == 0 {
		return
	}
	var blocks []pdf.Block
	if len(o.more) > 0 {
		blocks = append(blocks, para(small, pdf.Span{Text: "The HTML of this message has words that its text, printed above, does not have: ", Style: styled(small, amber)},
			own(clip(plain(p.b.hide(strings.Join(o.more, " "))), 400))))
	}
	if len(o.hidden) > 0 {
		blocks = append(blocks, para(small, pdf.Span{Text: "The HTML holds words that a mail program does not show: ", Style: styled(small, amber)},
			own(clip(plain(p.b.hide(strings.Join(o.hidden, " · "))), 800))))
	}
	p.d.Add(&pdf.Group{Tag: "Sect", Box: &pdf.Box{Bar: amber}, Before: 12, Pad: [4]float64{2, 0, 2, 8}, Blocks: blocks})
}
