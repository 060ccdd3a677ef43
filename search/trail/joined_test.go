package trail

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// The file that was delivered comes back in a complaint of another conversation.
func TestJoined(t *testing.T) {
	letters := []letter{
		{"martin", "nora", "2023-05-02 09:00", "Floor plans", 0, []said{{statement.Instruction, "Please draw the floor plans.", ""}}},
		{"nora", "martin", "2023-05-05 09:00", "Re: Floor plans", 1, []said{{statement.Delivery, "The floor plans are attached.", ""}}},
		{"martin", "nora", "2023-06-20 09:00", "Complaint", 0, []said{{statement.Dispute, "These floor plans are not what I asked for.", ""}}},
	}
	for _, tt := range []struct {
		name string
		hash string
		want []Joined
	}{
		{"the same file", "aa", []Joined{{2, 3, `carries the same file, "plans.pdf"`}}},
		{"another file", "bb", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := post(t, letters)
			records[1].Attachments = []message.Part{{Name: "plans.pdf", SHA256: "aa"}}
			records[2].Attachments = []message.Part{{Name: "plans.pdf", SHA256: tt.hash}}
			tr, err := Build(context.Background(), newMemory(records), deskPeople, "what about the floor plans", Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(tr.Entries) != 3 {
				t.Fatalf("%d entries, want 3", len(tr.Entries))
			}
			if d := cmp.Diff(tt.want, tr.Joined); d != "" {
				t.Errorf("joined (-want +got):\n%s", d)
			}
		})
	}
}
