package thread

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBaseSubject(t *testing.T) {
	for _, tt := range []struct {
		in, base   string
		reply, fwd bool
	}{
		{"", "", false, false},
		{"Rooms for the retreat", "Rooms for the retreat", false, false},
		{"Re: Rooms", "Rooms", true, false},
		{"RE : Rooms", "Rooms", true, false},
		{"re:re:  Rooms", "Rooms", true, false},
		{"Re[2]: Rooms", "Rooms", true, false},
		{"Re(3): Rooms", "Rooms", true, false},
		{"Re^2: Rooms", "Rooms", true, false},
		{"AW: WG: Angebot", "Angebot", true, true},
		{"Antw: Offerte", "Offerte", true, false},
		{"SV: Tilbud", "Tilbud", true, false},
		{"TR: Devis", "Devis", false, true},
		{"RV: Presupuesto", "Presupuesto", false, true},
		{"Fwd: Fw: Flyer (fwd)", "Flyer", false, true},
		{"[Fwd: Flyer]", "Flyer", false, true},
		{"[Fwd: Re: Flyer]", "Flyer", true, true},
		{"[list] Re: [list] Flyer", "Flyer", true, false},
		{"Re: [list] Flyer", "Flyer", true, false},
		{"[URGENT]", "[URGENT]", false, false},
		{"回复：报价", "报价", true, false},
		{"Reply: not a mark", "Reply: not a mark", false, false},
		{"Refund: yes", "Refund: yes", false, false},
		{"Re", "Re", false, false},
		{"Re:", "", true, false},
		{"Re:\t\r\n folded   subject", "folded subject", true, false},
	} {
		base, reply, fwd := BaseSubject(tt.in)
		if base != tt.base || reply != tt.reply || fwd != tt.fwd {
			t.Errorf("BaseSubject(%q) = %q, %v, %v, want %q, %v, %v", tt.in, base, reply, fwd, tt.base, tt.reply, tt.fwd)
		}
	}
}

func FuzzBaseSubject(f *testing.F) {
	for _, s := range []string{"Re: x", "[Fwd: Re: x]", "[a] [b] AW[2]: y (fwd)", "Re[", "[fwd:]", "Re^:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		base, _, _ := BaseSubject(s)
		if x := readSubject(s); x.part > x.of || !strings.HasSuffix(x.tagged, x.key) {
			t.Errorf("readSubject(%q) = %+v", s, x)
		}
		if len(base) > len(s)+strings.Count(s, "\x85")+8 && len(base) > 3*len(s) {
			t.Errorf("BaseSubject(%q) grew to %q", s, base)
		}
		again, reply, fwd := BaseSubject(base)
		if again != base || reply || fwd {
			t.Errorf("BaseSubject(%q) = %q, which is not its own base: %q, %v, %v", s, base, again, reply, fwd)
		}
		if marked, reply, _ := BaseSubject("Re: " + s); !reply || marked != base {
			t.Errorf("BaseSubject(%q) = %q, %v, want %q as without the mark", "Re: "+s, marked, reply, base)
		}
	})
}

func TestShingles(t *testing.T) {
	own := "Please book the room on the first floor.\nShort one. The second sentence is wrapped over\ntwo lines of this mail, isn't it?\n"
	quoted := "> Please book the room\n> on the first floor. Short one. The SECOND sentence is\n> wrapped over two lines of this mail, isn’t it?\n"
	a, b := Shingles(own), Shingles(quoted)
	common := 0
	for _, h := range a {
		if slices.Contains(b, h) {
			common++
		}
	}
	if common != 2 {
		t.Errorf("%d hashes in common of %d and %d, want the 2 sentences", common, len(a), len(b))
	}
	if got := Shingles("Only five words are here.\n\n> And five more are here."); len(got) != 0 {
		t.Errorf("short sentences gave %d hashes", len(got))
	}
	if x, y := Shingles("one two three four five six seven"), Shingles("one two three four five seven six"); x[0] == y[0] {
		t.Error("the order of words does not count")
	}
	if got := len(Shingles(strings.Repeat("a b c d e f. ", 1000))); got != 2 { // the sentence, and the line
		t.Errorf("a repeated sentence gave %d hashes, want 2", got)
	}
}

func FuzzShingles(f *testing.F) {
	f.Add("Please book the room on the first floor. Thanks.")
	f.Fuzz(func(t *testing.T, s string) {
		hs := Shingles(s)
		if len(hs) > maxShingles {
			t.Errorf("%d hashes", len(hs))
		}
		if got := Shingles(strings.ToUpper(strings.ToLower(s))); isPlain(s) && !slices.Equal(got, hs) {
			t.Errorf("case counts in %q", s)
		}
		// A quotation mark on each line changes nothing.
		if q := "> " + strings.ReplaceAll(s, "\n", "\n> "); !slices.Equal(Shingles(q), hs) {
			t.Errorf("quoting changes the hashes of %q", s)
		}
	})
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func day(d int) time.Time { return time.Date(2024, 3, d, 9, 0, 0, 0, time.UTC) }

const (
	askRoom  = "Please hold two rooms at the mill for the last weekend of April."
	askFood  = "We also need dinner for sixty people on the Saturday evening there."
	askFinal = "The final list of all guests follows by the end of next week."
	own      = "That hotel wants a deposit before they will hold anything for us."
)

func TestLinks(t *testing.T) {
	nora, martin, kim := "nora@desk.example", "martin@hale.example", "kim@other.example"
	for _, tt := range []struct {
		name string
		msgs []Info
		want [][]int
		why  string // the beginning of the first link's reason
	}{
		{"reference", []Info{
			{MessageID: "a", Date: day(1)}, {MessageID: "b", Refs: []string{"a"}, Date: day(2)}, {MessageID: "c", Date: day(3)},
		}, [][]int{{0, 1}, {2}}, "cites <a>"},
		{"nearest ancestor of several", []Info{
			{MessageID: "a", Date: day(1)}, {MessageID: "b", Refs: []string{"a"}, Date: day(2)}, {MessageID: "d", Refs: []string{"a", "b", "gone"}, Date: day(3)},
		}, [][]int{{0, 1, 2}}, "cites <a>"},
		{"absent parent", []Info{
			{MessageID: "b", Refs: []string{"gone"}, Date: day(2)}, {MessageID: "c", Refs: []string{"gone"}, Date: day(3)},
		}, [][]int{{0, 1}}, "cites <gone>, as"},
		{"circle", []Info{
			{MessageID: "a", Refs: []string{"b"}, Date: day(1)}, {MessageID: "b", Refs: []string{"a"}, Date: day(2)}, {MessageID: "c", Refs: []string{"c"}, Date: day(3)},
		}, [][]int{{0, 1}, {2}}, "cites <b>"},
		{"repeated Message-ID", []Info{
			{MessageID: "a", Date: day(1)}, {MessageID: "a", Date: day(2)}, {MessageID: "b", Refs: []string{"a"}, Date: day(3)},
		}, [][]int{{0, 2}, {1}}, "cites <a>"},
		{"no Message-ID joins nothing", []Info{{Date: day(1)}, {Date: day(2), Refs: []string{""}}}, [][]int{{0}, {1}}, ""},
		{"Thread-Index", []Info{
			{MessageID: "a", ThreadIndex: "01d5" + strings.Repeat("ab", 20), Date: day(1)},
			{MessageID: "b", ThreadIndex: "01d5" + strings.Repeat("ab", 20) + "0000000001", Date: day(2)},
			{MessageID: "c", ThreadIndex: "01d5" + strings.Repeat("cd", 20), Date: day(3)},
			{MessageID: "d", ThreadIndex: "01d5", Date: day(4)},
		}, [][]int{{0, 1}, {2}, {3}}, "has the Thread-Index"},
		{"server's thread", []Info{
			{MessageID: "a", Server: []string{"1 T1"}, Date: day(1)}, {MessageID: "b", Server: []string{"2 T1"}, Date: day(2)},
			{MessageID: "c", Server: []string{"2 T9", "1 T1"}, Date: day(3)}, {MessageID: "d", Server: []string{"1 T1"}, Date: day(4)},
		}, [][]int{{0, 2, 3}, {1}}, "stands in one thread"},
		{"citations before the server's thread", []Info{
			{MessageID: "a", Server: []string{"1 T1"}, Date: day(1)}, {MessageID: "b", Date: day(2)}, {MessageID: "c", Refs: []string{"b"}, Server: []string{"1 T1"}, Date: day(3)},
		}, [][]int{{0}, {1, 2}}, "cites <b>"},
		{"quotation", []Info{
			{MessageID: "a", Date: day(1), NewHashes: Shingles(askRoom + "\n" + askFood)},
			{MessageID: "b", Date: day(2), NewHashes: Shingles(own), QuotedHashes: Shingles("> " + askRoom + "\n> " + askFood)},
			{MessageID: "c", Date: day(3), QuotedHashes: Shingles("> " + own + "\n>> " + askRoom + "\n>> " + askFood)},
		}, [][]int{{0, 1, 2}}, "quotes 2 sentences"},
		{"one shared sentence is not enough", []Info{
			{MessageID: "a", Date: day(1), NewHashes: Shingles(askRoom + "\n" + askFood + "\n" + askFinal)},
			{MessageID: "b", Date: day(2), QuotedHashes: Shingles("> " + askRoom)},
		}, [][]int{{0}, {1}}, ""},
		{"a slogan joins nothing", []Info{
			{MessageID: "a", Date: day(1), NewHashes: Shingles(askRoom)}, {MessageID: "b", Date: day(2), NewHashes: Shingles(askRoom)},
			{MessageID: "c", Date: day(3), NewHashes: Shingles(askRoom)}, {MessageID: "d", Date: day(4), NewHashes: Shingles(askRoom)},
			{MessageID: "e", Date: day(5), QuotedHashes: Shingles("> " + askRoom)},
		}, [][]int{{0}, {1}, {2}, {3}, {4}}, ""},
		{"subject", []Info{
			{MessageID: "a", Subject: "Retreat rooms April", Participants: []string{nora, martin}, Date: day(1)},
			{MessageID: "b", Subject: "AW: Retreat rooms April", Participants: []string{martin, nora}, Date: day(2)},
		}, [][]int{{0, 1}}, "answers under the subject"},
		{"subject without a mark", []Info{
			{MessageID: "a", Subject: "Retreat rooms April", Participants: []string{nora}, Date: day(1)},
			{MessageID: "b", Subject: "Retreat rooms April", Participants: []string{nora}, Date: day(2)},
		}, [][]int{{0}, {1}}, ""},
		{"subject of strangers", []Info{
			{MessageID: "a", Subject: "Retreat rooms April", Participants: []string{nora}, Date: day(1)},
			{MessageID: "b", Subject: "Re: Retreat rooms April", Participants: []string{kim}, Date: day(2)},
		}, [][]int{{0}, {1}}, ""},
		{"subject that says nothing", []Info{
			{MessageID: "a", Subject: "Invoice", Participants: []string{nora}, Date: day(1)},
			{MessageID: "b", Subject: "Re: Invoice", Participants: []string{nora}, Date: day(2)},
		}, [][]int{{0}, {1}}, ""},
		{"subject after 61 days", []Info{
			{MessageID: "a", Subject: "Retreat rooms April", Participants: []string{nora}, Date: day(1)},
			{MessageID: "b", Subject: "Re: Retreat rooms April", Participants: []string{nora}, Date: day(62)},
		}, [][]int{{0}, {1}}, ""},
		{"citations outweigh the subject", []Info{
			{MessageID: "a", Subject: "Retreat rooms April", Participants: []string{nora}, Date: day(1)},
			{MessageID: "x", Subject: "Something else entirely", Participants: []string{nora}, Date: day(2)},
			{MessageID: "b", Subject: "Re: Retreat rooms April", Refs: []string{"x"}, Participants: []string{nora}, Date: day(3)},
		}, [][]int{{0}, {1, 2}}, "cites <x>"},
		{"a series", []Info{
			{MessageID: "a", Subject: "[plan 0/2] The retreat", Participants: []string{nora, martin}, Date: day(1)},
			{MessageID: "b", Subject: "[plan 1/2] Rooms", Participants: []string{nora, martin}, Date: day(1).Add(time.Second)},
			{MessageID: "c", Subject: "[plan 2/2] Dinner", Participants: []string{nora, martin}, Date: day(1).Add(2 * time.Second)},
			{MessageID: "d", Subject: "[plan 2/2] Dinner", Participants: []string{nora, martin}, Date: day(1).Add(3 * time.Second)},
			{MessageID: "e", Subject: "[plan 1/2] Rooms", Participants: []string{martin, nora}, Date: day(1).Add(4 * time.Second)},
			{MessageID: "f", Subject: "[plan 1/2] Rooms", Participants: []string{nora, martin}, Date: day(2)},
			{MessageID: "g", Subject: "[plan 1/3] Rooms", Participants: []string{nora, martin}, Date: day(2)},
		}, [][]int{{0, 1, 2}, {3}, {4}, {5}, {6}}, "is part 1 of 2"},
		{"a covering letter", []Info{
			{MessageID: "a", Subject: "The retreat", Participants: []string{nora, martin}, Date: day(1)},
			{MessageID: "b", Subject: "[plan 1/2] Rooms", Participants: []string{nora, kim, martin}, Date: day(1).Add(time.Second)},
			{MessageID: "c", Subject: "[plan 2/2] Dinner", Participants: []string{nora, martin}, Date: day(1).Add(2 * time.Second)},
			{MessageID: "d", Subject: "Lunch", Participants: []string{nora, martin}, Date: day(2)},
			{MessageID: "e", Subject: "[list 1/2] Rooms", Participants: []string{nora, martin}, Date: day(2).Add(time.Minute)},
			{MessageID: "f", Subject: "Lunch", Participants: []string{nora, kim}, Date: day(3)},
			{MessageID: "g", Subject: "[list 1/2] Rooms", Participants: []string{nora, martin}, Date: day(3).Add(time.Second)},
		}, [][]int{{0, 1, 2}, {3}, {4}, {5}, {6}}, "is part 1 of 2 and followed"},
		{"the version that is answered", []Info{
			{MessageID: "a", Subject: "[v1] Retreat rooms April", Participants: []string{nora}, Date: day(1), NewHashes: Shingles(askRoom)},
			{MessageID: "b", Subject: "[v2] Retreat rooms April", Participants: []string{nora}, Date: day(2), NewHashes: Shingles(askRoom)},
			{MessageID: "c", Subject: "Re: [v1] Retreat rooms April", Participants: []string{martin, nora}, Date: day(3)},
			{MessageID: "d", Subject: "Re: [v1] Retreat rooms April", Participants: []string{kim}, Date: day(4), QuotedHashes: Shingles("> " + askRoom)},
		}, [][]int{{0, 2, 3}, {1}}, "answers under"},
		{"an answer from a wrong clock", []Info{
			{MessageID: "a", Subject: "Re: Retreat rooms April", Participants: []string{martin, nora}, Date: day(1)},
			{MessageID: "b", Subject: "Retreat rooms April", Participants: []string{nora, martin}, Date: day(1).Add(time.Hour)},
		}, [][]int{{0, 1}}, "answers under"},
		{"a few lines in common of long reports", []Info{
			{MessageID: "a", Date: day(1), NewHashes: append(Shingles(askRoom+"\n"+askFood+"\n"+askFinal), manyHashes(1, 40)...)},
			{MessageID: "b", Date: day(2), QuotedHashes: append(Shingles(askRoom+"\n"+askFood+"\n"+askFinal), manyHashes(50, 100)...)},
		}, [][]int{{0}, {1}}, ""},
		{"undated last", []Info{{MessageID: "z"}, {MessageID: "a", Date: day(1)}}, [][]int{{1}, {0}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Index(tt.msgs)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			links := Links(tt.msgs)
			switch {
			case tt.why == "" && len(links) > 0:
				t.Errorf("links %+v, want none", links)
			case tt.why != "" && (len(links) == 0 || !strings.HasPrefix(links[0].Reason, tt.why)):
				t.Errorf("links %+v, want the first to say %q", links, tt.why)
			}
		})
	}
}

func manyHashes(from, to uint64) (out []uint64) {
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

func TestReadSubject(t *testing.T) {
	for _, tt := range []struct {
		in, tagged, tags string
		part, of         int
	}{
		{"Re: [plan v2 1/5] The rooms", "plan v2 1/5 the rooms", "plan v2 ", 1, 5},
		{"[team] Re: [team] [2/3] Rooms", "team 2/3 rooms", "team ", 2, 3},
		{"[6/5] Rooms", "6/5 rooms", "6/5 ", 0, 0},
		{"Rooms 1/2", "rooms 1 2", "", 0, 0},
		{"[1/2]", "1 2", "", 0, 0},
	} {
		s := readSubject(tt.in)
		if s.tagged != tt.tagged || s.tags != tt.tags || s.part != tt.part || s.of != tt.of {
			t.Errorf("readSubject(%q) = %+v, want %+v", tt.in, s, tt)
		}
	}
}

// TestLinksOrder shuffles messages: the groups stay the same.
func TestLinksOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var msgs []Info
	ids := "abcdefghijklmnopqrst"
	for i := range len(ids) {
		m := Info{MessageID: ids[i : i+1], Date: day(1).Add(time.Duration(i) * 10 * time.Minute), Subject: "Re: Retreat rooms April", Participants: []string{ids[i%3 : i%3+1]}}
		switch r.IntN(4) {
		case 0:
			for range r.IntN(3) {
				m.Refs = append(m.Refs, string(ids[r.IntN(len(ids))]))
			}
		case 1:
			m.Subject = "[plan " + []string{"1/3", "2/3", "3/3"}[i%3] + "] Retreat rooms April"
			m.NewHashes = manyHashes(uint64(10*i), uint64(10*i+12))
		case 2:
			m.QuotedHashes = manyHashes(uint64(10*i-15), uint64(10*i))
		}
		msgs = append(msgs, m)
	}
	names := func(ms []Info) []string {
		var out []string
		for _, g := range Index(ms) {
			var b strings.Builder
			for _, i := range g {
				b.WriteString(ms[i].MessageID)
			}
			out = append(out, b.String())
		}
		return out
	}
	want := names(msgs)
	for range 20 {
		r.Shuffle(len(msgs), func(i, j int) { msgs[i], msgs[j] = msgs[j], msgs[i] })
		if diff := cmp.Diff(want, names(msgs)); diff != "" {
			t.Fatalf("another order gives other groups (-want +got):\n%s", diff)
		}
	}
}
