package thread

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTies(t *testing.T) {
	flyer := []File{{Hash: "aa", Name: "flyer.pdf"}}
	msgs := []Info{
		{MessageID: "a", Date: day(1), Files: flyer, Named: []string{"4711"}},
		{MessageID: "c", Date: day(3), Files: []File{{Hash: "aa", Name: "renamed.pdf"}}, Named: []string{"4711"}},
		{MessageID: "b", Date: day(2), Named: []string{"4711", "4711"}},
		{MessageID: "d", Date: day(4), Named: []string{"4712"}},
	}
	for range maxHolders + 1 {
		msgs = append(msgs, Info{Date: day(5), Named: []string{"customer 9"}})
	}
	want := []Link{
		{Msg: 1, Parent: 0, Reason: `carries the same file, "flyer.pdf"`},
		{Msg: 1, Parent: 2, Reason: `names the same reference, "4711"`},
		{Msg: 2, Parent: 0, Reason: `names the same reference, "4711"`},
	}
	if diff := cmp.Diff(want, Ties(msgs)); diff != "" {
		t.Errorf("ties (-want +got):\n%s", diff)
	}
}
