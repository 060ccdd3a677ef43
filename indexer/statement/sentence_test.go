package statement

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/corpora"
	"inwriting/indexer/message"
)

// mailOf makes a message that is all its author's words, written on Wednesday
// 1 March 2023 in London.
func mailOf(text string) *message.Message {
	return &message.Message{
		Text:  text,
		Date:  time.Date(2023, 3, 1, 9, 30, 0, 0, time.UTC),
		From:  []message.Address{{Address: "client@dunmore.example"}},
		Zones: []message.Zone{{Kind: message.New, Start: 0, End: len(text)}},
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"two in a line", "Book it today. Thanks for asking.", []string{"Book it today.", "Thanks for asking."}},
		{"greeting and name left out", "Hi Nora,\n\nPlease send the list.\n\nKind regards\nPaul Dunmore\n", []string{"Please send the list."}},
		{"wrapped lines join", "I would like you to book the early flight on Thursday and a window\nseat if there is one left. Ring me when it is done, please, and send\nthe reference.", []string{
			"I would like you to book the early flight on Thursday and a window\nseat if there is one left.", "Ring me when it is done, please, and send\nthe reference."}},
		{"short lines stand alone", "two rooms please\nsame hotel as last time\n", []string{"two rooms please", "same hotel as last time"}},
		{"bullets", "Three options:\n- early, 120\n- late, 95\n", []string{"Three options:", "early, 120", "late, 95"}},
		{"numbered items", "1. Book the hall.\n2) Order chairs.\n", []string{"Book the hall.", "Order chairs."}},
		{"reference with a dot", "See ref. no. 4471-B. It is paid.", []string{"See ref. no. 4471-B.", "It is paid."}},
		{"ellipsis goes on before lower case", "Thanks Tom... all good with us. Go on.", []string{"Thanks Tom... all good with us.", "Go on."}},
		{"lower-case start", "it is fine. go ahead. see you", []string{"it is fine.", "go ahead.", "see you"}},
		{"words in quotation marks stay", `You wrote "Fine. Go ahead." on Friday. I did.`, []string{`You wrote "Fine. Go ahead." on Friday.`, "I did."}},
		{"emoji ends", "B looks good, go for it 👍 Window seat please.", []string{"B looks good, go for it 👍", "Window seat please."}},
		{"smiley belongs to what it follows", "Not for the public. :) Print it.", []string{"Not for the public. :)", "Print it."}},
		{"p.m. before a clock", "By 5 p.m. Eastern on Monday. Thank you.", []string{"By 5 p.m. Eastern on Monday.", "Thank you."}},
		{"initials and titles", "Ask Dr. J. Orme about it. He knows.", []string{"Ask Dr. J. Orme about it.", "He knows."}},
		{"question and answer marks", "Really?! Yes! OK.", []string{"Really?!", "Yes!", "OK."}},
		{"label", "Deadline: Friday noon\nBudget: 300\n", []string{"Deadline: Friday noon", "Budget: 300"}},
		{"nothing", " \n\n--- \n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mailOf(c.text)
			var got []string
			for _, s := range sentences(m) {
				got = append(got, m.Text[s.start:s.end])
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("sentences of %q (-want +got):\n%s", c.text, d)
			}
		})
	}
}

func TestQuotedTextIsNotRead(t *testing.T) {
	text := "Yes, book it.\n\n> Shall I book the flight for £120?\n> Please confirm by Friday.\n"
	at := strings.Index(text, ">")
	m := mailOf(text)
	m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: at}, {Kind: message.Quoted, Start: at, End: len(text)}}
	r := Read(m)
	if len(r.Sentences) != 1 || r.Sentences[0].Text != "Yes, book it." {
		t.Errorf("sentences: got %+v, want the one new line alone", r.Sentences)
	}
}

// check holds what every reading promises, whatever the message.
func check(t *testing.T, m *message.Message) {
	t.Helper()
	r := Read(m)
	inNew := func(s, e int) bool {
		for _, z := range m.Zones {
			if z.Kind == message.New && z.Start <= s && e <= z.End {
				return true
			}
		}
		return false
	}
	last := 0
	for _, s := range r.Sentences {
		if s.Start < last || s.End <= s.Start || s.End > len(m.Text) || s.Text != m.Text[s.Start:s.End] || !inNew(s.Start, s.End) {
			t.Fatalf("sentence [%d,%d) %q: out of order, outside the new zones, or not the text there", s.Start, s.End, s.Text)
		}
		last = s.End
	}
	last = 0
	for _, s := range r.Statements {
		if s.Start < last || s.Quote != m.Text[s.Start:s.End] || !inNew(s.Start, s.End) {
			t.Fatalf("statement [%d,%d) %q: out of order, outside the new zones, or not the text there", s.Start, s.End, s.Quote)
		}
		last = s.End
		if len(s.Why) == 0 || s.Kind == None || s.Confidence <= 0 || s.Confidence > 1 {
			t.Fatalf("statement %q: kind %q, confidence %v, %d reasons", s.Quote, s.Kind, s.Confidence, len(s.Why))
		}
		for i := 1; i < len(s.Why); i++ {
			if s.Why[i].Weight > s.Why[i-1].Weight {
				t.Fatalf("statement %q: reasons out of order: %+v", s.Quote, s.Why)
			}
		}
		for _, f := range s.Facts {
			if f.Start < s.Start || f.End > s.End || f.Text != m.Text[f.Start:f.End] || f.Value == "" || f.Alternatives == nil {
				t.Fatalf("fact %+v of statement %q [%d,%d): outside it, or not the text there", f, s.Quote, s.Start, s.End)
			}
		}
	}
	if d := cmp.Diff(r, Read(m)); d != "" {
		t.Fatalf("two readings of one message differ:\n%s", d)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Hi,\nPlease book 2 rooms by Friday 17 March at 10am for £1.200,50.\n\n> Shall I?\nYes\n", 60, int64(1677663000), false)
	f.Add("a) €720 “fine. go” … 5 p.m. Eastern; 3/11, KX7P2L 👍🏽\u200d\u00a0(", 0, int64(0), true)
	f.Add("the 14th the Thursday next Friday of next week end of April 10.30am-11 noon\xff\xfe", 3, int64(-62135596800), false)
	f.Fuzz(func(t *testing.T, text string, cutAt int, unix int64, auto bool) {
		if len(text) > 20000 {
			return
		}
		m := mailOf(text)
		m.Auto = auto
		if unix != 0 {
			m.Date = time.Unix(unix%4e9, 0).UTC()
		} else {
			m.Date = time.Time{}
		}
		if cutAt > 0 && cutAt < len(text) {
			m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: cutAt}, {Kind: message.Quoted, Start: cutAt, End: (cutAt + len(text)) / 2}, {Kind: message.New, Start: (cutAt + len(text)) / 2, End: len(text)}}
		}
		check(t, m)
	})
}

func TestReadNothing(t *testing.T) {
	if r := Read(nil); r.Sentences != nil || r.Statements != nil {
		t.Errorf("reading nil: got %+v, want nothing", r)
	}
	check(t, &message.Message{})
}

// TestLongText makes sure that no step is quadratic: a megabyte of the worst
// sort is read at all. The benchmark says how fast.
func TestLongText(t *testing.T) {
	for _, unit := range []string{"a", "( ", "“", "1,", "on Friday ", "please book it ", ".", "? ", "5 ", "£5 ", "word\n", ", and I ", "kr 5,- ", "all 5 of them ", "14 March ", "a day later "} {
		text := strings.Repeat(unit, 1<<18/len(unit))
		check(t, mailOf(text))
	}
}

func BenchmarkRead(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(corpora.Path(b, "gold"), "*", "mail", "*.eml"))
	if len(files) == 0 {
		b.Fatal("no gold mail")
	}
	var ms []*message.Message
	for _, f := range files {
		o, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		ms = append(ms, message.Parse(o))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		Read(ms[i%len(ms)])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

func BenchmarkLongText(b *testing.B) {
	m := mailOf(strings.Repeat("Please book the 7.40 on Friday 17 March for £120, and send me the reference by 5pm tomorrow. ", 1<<20/95))
	b.SetBytes(int64(len(m.Text)))
	for i := 0; i < b.N; i++ {
		Read(m)
	}
}
