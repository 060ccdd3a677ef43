package trail

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/statement"
)

// clientsFirst is a source that lists mail with clients before any other, as the
// vault's does.
type clientsFirst struct{ *memory }

func (c clientsFirst) Search(ctx context.Context, question string, limit int) ([]archive.Ref, error) {
	refs, err := c.memory.Search(ctx, question, limit)
	slices.SortStableFunc(refs, func(a, b archive.Ref) int {
		x, y := deskPeople.takePart(c.byRef[a], Client), deskPeople.takePart(c.byRef[b], Client)
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return refs, err
}

// Others' mail that is full of the question's words takes no room from what lies
// around the client's.
func TestGatherAmongStrangers(t *testing.T) {
	letters := slices.Clone(vienna)
	names["digest"], names["reader"] = "Fares Digest <digest@fares.example>", "Reader <reader@crowd.example>"
	for i := range 90 {
		l := letter{from: "digest", to: "reader", date: time.Date(2023, 3, 1, 8, i, 0, 0, time.UTC).Format("2006-01-02 15:04"), subject: "Vienna flights"}
		l.said = append(l.said, said{statement.Instruction, "Book the flight to Vienna on Tuesday 14 March or Wednesday 15 March.", ""})
		for k := range 60 {
			l.said = append(l.said, said{statement.Instruction, fmt.Sprintf("Compare offer %d.", 100*i+k), ""})
		}
		letters = append(letters, l)
	}
	const question = "which day did martin ask for the vienna flight, the 14th or the 15th?"
	alone, err := gather(context.Background(), clientsFirst{newMemory(post(t, vienna))}, deskPeople, question, Options{}, lexicon{})
	if err != nil {
		t.Fatal(err)
	}
	among, err := gather(context.Background(), clientsFirst{newMemory(post(t, letters))}, deskPeople, question, Options{}, lexicon{})
	if err != nil {
		t.Fatal(err)
	}
	ids := func(records []*Record) (out []string) {
		for _, r := range bounded(records) {
			if !strings.Contains(r.Info.From, "fares") {
				out = append(out, r.MessageID)
			}
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff(ids(alone), ids(among)); d != "" {
		t.Errorf("the client's mail alone and among others' (-alone +among):\n%s", d)
	}
}
