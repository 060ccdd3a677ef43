package indexer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"inwriting/indexer/importer"
)

// Each label of a Takeout is a place of the message, whose octets are kept once; a
// second import adds nothing, a later one with another label that label.
func TestTakeoutLabels(t *testing.T) {
	box := func(labels string) string {
		path := filepath.Join(t.TempDir(), "All mail.mbox")
		text := "From 17@xxx Mon Nov 11 08:23:01 +0000 2019\r\nX-GM-THRID: 17\r\nX-Gmail-Labels: Sent,Opened,Vienna,Hale\r\nFrom: nora@deskandco.example\r\nSubject: t\r\n\r\nThe flight is booked.\r\n\r\n" +
			"From 18@xxx Mon Nov 11 09:23:01 +0000 2019\r\nX-GM-THRID: 18\r\nX-Gmail-Labels: " + labels + "\r\nFrom: martin@hale.example\r\nSubject: u\r\n\r\nThanks.\r\n\r\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	v := openVault(t, t.TempDir())
	for _, step := range []struct {
		labels     string
		read, want string
	}{
		{"Inbox,Hale", "2 read, 2 new, 0 already", "map[Hale:2 Inbox:1 Sent:1 Vienna:1]"},
		{"Inbox,Hale", "2 read, 0 new, 2 already", "map[Hale:2 Inbox:1 Sent:1 Vienna:1]"},
	} {
		res, err := v.Import(t.Context(), "nora@deskandco.example", []string{box(step.labels)}, importer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d read, %d new, %d already", res.Messages, res.New, res.Duplicates); got != step.read {
			t.Errorf("%s: %s, want %s", step.labels, got, step.read)
		}
		if got := fmt.Sprint(live(t, v)); got != step.want {
			t.Errorf("%s: places %s, want %s", step.labels, got, step.want)
		}
	}
	if err := v.RebuildCatalog(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(live(t, v)), "map[Hale:2 Inbox:1 Sent:1 Vienna:1]"; got != want {
		t.Errorf("after a rebuild: places %s, want %s", got, want)
	}
}
