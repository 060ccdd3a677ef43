package bundle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"inwriting/indexer/statement"
	"inwriting/search/trail"
)

// Check 9 in notes/evidence.md, section 12: every quote of the chronology is found by
// grep -F in the text, and stands at its offsets.
func TestCheck09Quotes(t *testing.T) {
	tools(t)
	root, _ := unpacked(t, fixture(t))
	table, err := os.ReadFile(filepath.Join(root, "data", "chronology.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := tableOf(t, string(table))
	if len(rows) < 5 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		file := filepath.Join(root, "data", "text", row["exhibit"]+".txt")
		for _, line := range strings.Split(row["quote"], "\n") { // grep looks at lines
			if out, err := exec.Command("grep", "-c", "-F", "-e", line, file).CombinedOutput(); err != nil {
				t.Errorf("row %s: grep -F %q: %v %s", row["row"], line, err, out)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		start, err1 := strconv.Atoi(row["start"])
		end, err2 := strconv.Atoi(row["end"])
		if got, ok := runeSlice(string(text), start, end); err1 != nil || err2 != nil || !ok || got != row["quote"] || utf8.RuneCountInString(got) != end-start {
			t.Errorf("row %s: %q at %s to %s, want %q", row["row"], got, row["start"], row["end"], row["quote"])
		}
	}
}

// The tables that both sides fill in say nothing for either.
func TestSchedules(t *testing.T) {
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply, said: "Booked for Tuesday.", kind: "confirmation", role: trail.Us})
	in.Trail.Entries[0].Statement.Facts = []statement.Fact{{Type: statement.Money, Text: "Tuesday", Value: "260.00 GBP"}}
	for profile, want := range map[string]bool{"client": false, "insurer": false, "court-uk": true, "court-us": true, "solicitor": true} {
		in.Profile = profile
		bag, _ := bagOf(t, in)
		if _, ok := bag["data/agreed-chronology.csv"]; ok != want {
			t.Errorf("%s: a chronology to agree: %v, want %v", profile, ok, want)
		}
		if !want {
			continue
		}
		rows := tableOf(t, bag["data/agreed-chronology.csv"])
		if len(rows) != 2 || rows[0]["exact_words"] != "Please book the flight for Tuesday." || rows[0]["agreed_y_n"]+rows[0]["other_party_note"] != "" || rows[0]["page"] == "" {
			t.Errorf("%s: %v", profile, rows)
		}
		if e := rows[1]["event"]; !strings.HasSuffix(e, " confirms") {
			t.Errorf("%s: event %q", profile, e)
		}
		items := tableOf(t, bag["data/scott-schedule.csv"])
		if len(items) != 1 || items[0]["money"] != "260.00 GBP" || items[0]["our_case"]+items[0]["their_case"]+items[0]["tribunal"] != "" {
			t.Errorf("%s: %v", profile, items)
		}
	}
}
