package catalog

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/indexer/thread"
)

func TestLinks(t *testing.T) {
	const ask = "Please hold two rooms at the mill for the last weekend of April.\nWe also need dinner for sixty people on the Saturday evening there.\nThe final list of all guests follows by the end of next week.\n"
	ti := "01d5" + "abababababababababababababababababababab"
	mail := func(from, to, subject string) Doc {
		return Doc{MessageID: subject + from + "@x.example", Subject: subject, From: []message.Address{{Address: from}}, To: []message.Address{{Address: to}}}
	}
	nora, martin, kim, hotel := "nora@desk.example", "martin@hale.example", "kim@other.example", "desk@mill.example"
	docs := map[string]Doc{
		"ask":       mail(martin, nora, "Retreat rooms April"),
		"answer":    mail(nora, martin, "RE: Retreat rooms April"),
		"forward":   mail(nora, hotel, "Sixty guests"),
		"reference": mail(hotel, nora, "Confirmation"),
		"file":      mail(kim, nora, "Complaint"),
		"delivery":  mail(nora, kim, "Flyer"),
		"outlook 1": mail(hotel, nora, "Bill"),
		"outlook 2": mail(kim, hotel, "About that bill"),
		"stranger":  mail(kim, hotel, "Re: Retreat rooms April"),
		"noise":     mail(martin, nora, "Lunch"),
	}
	with := func(name string, change func(*Doc)) {
		d := docs[name]
		change(&d)
		docs[name] = d
	}
	names := func(value string) []Statement {
		return []Statement{{ID: StatementID(ref(value), 0, 4), Facts: []statement.Fact{{Type: statement.Reference, Value: value}}}}
	}
	with("ask", func(d *Doc) { d.New = thread.Shingles(ask) })
	with("forward", func(d *Doc) { d.Quoted, d.Statements = thread.Shingles("> "+ask), names("MILL-4711") })
	with("reference", func(d *Doc) { d.Statements = names("MILL-4711") })
	flyer := []message.Part{{Number: "2", Name: "flyer.pdf", Size: 9, SHA256: "aa"}}
	with("delivery", func(d *Doc) { d.Parts = flyer })
	with("file", func(d *Doc) { d.Parts = flyer })
	with("outlook 1", func(d *Doc) { d.ThreadIndex = ti })
	with("outlook 2", func(d *Doc) { d.ThreadIndex = ti + "0000000001" })
	days := map[string]int{"ask": 1, "answer": 2, "forward": 3, "reference": 4, "delivery": 5, "file": 6, "outlook 1": 7, "outlook 2": 300, "stranger": 8, "noise": 9}

	var texts []string
	for name := range docs {
		texts = append(texts, name)
	}
	slices.Sort(texts)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3 { // in whatever order they arrive
		rng.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		c := base(t)
		nameOf := map[archive.Ref]string{}
		for i, name := range texts {
			commit(t, c, []string{name}, seen(name, uint32(i+1)))
			nameOf[ref(name)] = name
		}
		blobs, err := c.BlobsAfter(0, 100)
		if err != nil || len(blobs) != len(texts) {
			t.Fatalf("%d blobs, %v; want %d", len(blobs), err, len(texts))
		}
		var reads []Read
		for _, b := range blobs {
			d := docs[nameOf[b.Ref]]
			subject, _, _ := thread.BaseSubject(d.Subject)
			reads = append(reads, Read{Blob: b.ID, Doc: d, Subject: strings.ToLower(subject), Date: now.Add(time.Duration(days[nameOf[b.Ref]]) * 24 * time.Hour)})
		}
		if err := c.SaveReadings(reads); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			of   string
			want []string
		}{
			{"answer", []string{
				`answer > ask true answers under the subject "Retreat rooms April"`,
				`forward > ask true quotes 3 sentences or lines of it`,
				`reference > forward false names the same reference, "MILL-4711"`,
			}},
			{"delivery", []string{`file > delivery false carries the same file, "flyer.pdf"`}},
			{"outlook 1", []string{`outlook 2 > outlook 1 true has the Thread-Index of the conversation`}},
			{"stranger", nil},
			{"noise", nil},
		} {
			links, err := c.Links([]archive.Ref{ref(tt.of)}, 100)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range links {
				kind := " false "
				if l.Thread {
					kind = " true "
				}
				got = append(got, nameOf[l.Msg]+" > "+nameOf[l.Parent]+kind+l.Reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("links of %q (-want +got):\n%s", tt.of, diff)
			}
		}
		related, err := c.Related([]archive.Ref{ref("answer")}, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range related {
			got = append(got, nameOf[r])
		}
		if diff := cmp.Diff([]string{"answer", "ask", "forward"}, got); diff != "" {
			t.Errorf("related to the answer (-want +got):\n%s", diff)
		}
		if got, err := c.Absent(10); err != nil || len(got) != 0 {
			t.Errorf("absent: %v, %v; want none", got, err)
		}
	}
}
