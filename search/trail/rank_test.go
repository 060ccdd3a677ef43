package trail

import (
	"fmt"
	"math"
	"os"
	"sort"
	"testing"
)

// TestRank says how well statements are ranked, before any finding draws on them:
// INWRITING_FIT=rank. Each case is ranked with weights fitted to the others; of its
// figures the average precision does not depend on how many are shown.
func TestRank(t *testing.T) {
	if os.Getenv("INWRITING_FIT") != "rank" {
		t.Skip("set INWRITING_FIT=rank to see how well statements are ranked")
	}
	cases := loadGold(t)
	qs := askAll(cases)
	first, second := firstWeights, secondWeights
	defer func() { firstWeights, secondWeights = first, second }()
	sums := map[bool]*rankScore{false: {}, true: {}}
	for _, c := range cases {
		firstWeights, secondWeights = train(qs, cases, c.ID)
		for _, x := range qs {
			if x.c == c {
				x.q.score(x.p)
				sums[x.read].add(x)
			}
		}
	}
	fmt.Printf("left out, labelled  %s\nleft out, read      %s\n", sums[false], sums[true])
}

// rankScore sums over questions.
type rankScore struct {
	n                         int
	average, loss, items      float64
	must, found, shown, right float64
}

func (s *rankScore) add(x *asked) {
	order := append([]*item(nil), x.p.items...)
	sort.SliceStable(order, func(i, j int) bool { return order[i].p2 > order[j].p2 })
	good, sum := 0.0, 0.0
	for r, it := range order {
		y := x.y[it.index]
		if y > 0 {
			good++
			sum += good / float64(r+1)
		}
		s.loss -= math.Log(math.Max(1e-9, pick(y > 0, it.p2, 1-it.p2)))
		s.items++
	}
	if good > 0 {
		s.average += sum / good
	}
	s.n++
	for _, it := range x.q.pick(x.p) {
		s.shown++
		s.right += x.y[it.index]
		if x.w[it.index] > 1 {
			s.found++
		}
	}
	for i := range x.w {
		if x.w[i] > 1 {
			s.must++
		}
	}
}

func (s *rankScore) String() string {
	return fmt.Sprintf("average precision %.4f  loss %.4f  picked: recall of must %.3f  precision %.3f  size %.1f", s.average/float64(s.n), s.loss/s.items, s.found/s.must, s.right/s.shown, s.shown/float64(s.n))
}
