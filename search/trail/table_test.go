package trail

import (
	"fmt"
	"os"
	"sort"
	"testing"
)

// TestTable lists for every question what the answer lacks, and what it holds
// that the labels do not: INWRITING_FIT=table, with INWRITING_DETAIL=labelled for
// the labelled statements in place of those read.
func TestTable(t *testing.T) {
	if os.Getenv("INWRITING_FIT") != "table" {
		t.Skip("set INWRITING_FIT=table to list what is missing and what is noise")
	}
	for _, c := range loadGold(t) {
		records := c.read
		if os.Getenv("INWRITING_DETAIL") == "labelled" {
			records = c.records
		}
		fmt.Printf("==== %s\n", c.ID)
		for _, g := range c.Questions {
			p := newPool(records, c.people())
			q := understand(g.Ask, c.people(), p)
			in := map[*item]bool{}
			for _, it := range p.judge(q, q.selectFrom(p)) {
				in[it] = true
			}
			list := append([]*item(nil), p.items...)
			sort.SliceStable(list, func(i, j int) bool { return list[i].p2 > list[j].p2 })
			fmt.Printf("  Q %s   terms %v\n", g.Ask, q.order)
			for r, it := range list {
				file := c.files[it.m.Ref]
				mark := "noise"
				if c.has(g.Must, file, it.s.Quote) {
					mark = "MUST"
				} else if c.has(g.May, file, it.s.Quote) {
					mark = "may"
				}
				switch {
				case in[it] && mark == "noise", !in[it] && mark != "noise":
					side := "-"
					if in[it] {
						side = "+"
					}
					fmt.Printf("    %s %-5s %.2f #%-2d %s %-12s %s\n", side, mark, it.p2, r, file[:3], it.s.Kind, it.s.Quote)
				}
			}
		}
	}
}
