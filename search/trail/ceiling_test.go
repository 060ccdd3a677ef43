package trail

import (
	"fmt"
	"os"
	"testing"
)

// TestCeiling says where a trail loses: INWRITING_FIT=ceiling. With the labels'
// relevance in place of the model's, what is still lacking is lost by the reading
// (recall) or by the findings.
func TestCeiling(t *testing.T) {
	if os.Getenv("INWRITING_FIT") != "ceiling" {
		t.Skip("set INWRITING_FIT=ceiling to see where a trail loses")
	}
	cases := loadGold(t)
	for _, name := range []string{"labelled", "read"} {
		all := newScore()
		for _, c := range cases {
			records := c.records
			if name == "read" {
				records = c.read
			}
			s, log := newScore(), ""
			for _, g := range c.Questions {
				p := newPool(records, c.people())
				q := understand(g.Ask, c.people(), p)
				var entries []*item
				for _, it := range p.items {
					file := c.files[it.m.Ref]
					if c.has(g.Must, file, it.s.Quote) || c.has(g.May, file, it.s.Quote) {
						it.p2 = 0.9
						entries = append(entries, it)
					}
				}
				log += s.add(c, g, p.lay(q, p.judge(q, entries), &Trail{}))
			}
			if d := os.Getenv("INWRITING_DETAIL"); d == name || d == name+"/"+c.ID {
				fmt.Printf("%s %s %s\n%s", name, c.ID, s, log)
			}
			all.merge(s)
		}
		fmt.Printf("relevance as labelled, %-9s %s\n%s", name, all, all.types())
	}
}
