package bundle

import (
	"slices"
	"strings"
	"testing"
	"time"

	"inwriting/search/trail"
)

// The same facts in five envelopes.
func TestProfiles(t *testing.T) {
	claim := strings.NewReplacer("m1@", "m7@", "Please book the flight for Tuesday.", "I never agreed to Tuesday.", "2 Mar", "9 Mar").Replace(booking)
	program := strings.Replace(attach("setup.exe", "application/octet-stream", "TVo="), "m1@", "m8@", 1)
	for _, test := range []struct {
		profile   string
		has, lack []string // in the print
	}{
		{"client", []string{"only in the message: it may be a program"}, []string{"Certificates, as drafts", "Thread map", "For the insurer"}},
		{"insurer", []string{"For the insurer", "The claim: Martin Hale, 9 March 2023", "Policy number", "Do not send it to the other side", "Thread map"}, []string{"Certificates, as drafts"}},
		{"court", []string{"Civil Evidence Act 1995", "Nobody has signed them", "Practice Direction 22", "E0001 to E0003"}, []string{"For the insurer", "902(11)"}},
		{"court-us", []string{"902(11)", "28 U.S.C. 1746", "under the laws of the United States of America"}, []string{"Civil Evidence Act"}},
		{"solicitor", []string{"Civil Evidence Act 1995", "Thread map"}, nil},
	} {
		t.Run(test.profile, func(t *testing.T) {
			in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: claim, said: "I never agreed to Tuesday.", kind: "dispute"}, note{raw: program, said: "Please book the flight for Tuesday."})
			in.Profile = test.profile
			bag, sum := bagOf(t, in)
			said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "FILE", "-"))
			for _, want := range test.has {
				if !strings.Contains(said, want) {
					t.Errorf("the print lacks %q", want)
				}
			}
			for _, bad := range test.lack {
				if strings.Contains(said, bad) {
					t.Errorf("the print has %q", bad)
				}
			}
			if got := bag["data/loadfile.dat"] != ""; got != (test.profile == "solicitor") {
				t.Errorf("load file: %v", got)
			}
			first := tableOf(t, bag["data/exhibits.csv"])[0]
			if got := strings.Contains(first["message_id"], "m7@"); got != (test.profile == "insurer") {
				t.Errorf("the claim comes first: %v", got)
			}
			if _, ok := bag["data/attachments/E0003/001-setup.exe"]; ok != (test.profile != "client") {
				t.Errorf("the program lies beside its message: %v", ok)
			}
			if strings.Contains(bag["data/bundle.pdf"], "/Sig") {
				t.Error("something is signed in the print")
			}
			for _, name := range []string{"mailbag.csv", "folders_not_retained.txt", "messages_not_retained.txt", "data/coverage.json", "data/population.csv", "data/withheld.csv", "data/threads.csv", "seal/dns-keys.jsonl", "seal/allowed_signers", "tools/verify.html"} {
				if _, ok := bag[name]; !ok {
					t.Errorf("no %s", name)
				}
			}
			if len(sum.Root) > 60 {
				t.Errorf("folder %q", sum.Root)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	in := mailOf(t, note{raw: strings.Replace(booking, "Vienna trip", "=?utf-8?Q?Thorn_=C3=BE?=", 1), said: "Please book the flight for Tuesday."}, note{raw: reply})
	in.Profile = "solicitor"
	bag, _ := bagOf(t, in)
	dat := bag["data/loadfile.dat"]
	if !strings.HasPrefix(dat, "\uFEFFþBEGDOCþ\x14þENDDOCþ\x14") {
		t.Fatalf("%.60q", dat)
	}
	rows := strings.Split(strings.TrimSuffix(dat, "\r\n"), "\r\n")
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		if cells := strings.Split(r, "\x14"); len(cells) != len(loadColumns) {
			t.Errorf("%d cells: %q", len(cells), r)
		}
	}
	cells := strings.Split(rows[2], "\x14")
	get := func(name string) string { return strings.Trim(cells[slices.Index(loadColumns, name)], "þ") }
	if get("FROM") != "Nora Lindqvist <nora@deskandco.example>" || get("DATESENT") != "2023-03-02" || get("TIMEZONE") != "+00:00" || get("NATIVELINK") != "data/eml/E0002.eml" || get("EDRMMIH") != "" || get("SHA256HASH") != in.Exhibits[1].Ref.Hex() {
		t.Errorf("%q", cells)
	}
}

// Threads are told with what is missing from them; forged References go in no circle.
func TestThreads(t *testing.T) {
	loop := strings.NewReplacer("m1@", "m5@", "Subject:", "References: <m6@halearchitects.example>\nSubject:").Replace(booking)
	pool := strings.NewReplacer("m1@", "m6@", "Subject:", "References: <m5@halearchitects.example>\nSubject:").Replace(booking)
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply}, note{raw: loop}, note{raw: pool})
	silent := in.Exhibits[1]
	in.Exhibits = slices.Delete(in.Exhibits, 1, 2)
	in.Trail.Coverage.Absent = []string{"<m0@halearchitects.example>"}
	in.Population = []Listed{
		{Ref: in.Exhibits[0].Ref, Date: in.Exhibits[0].Info.Date, From: "martin@halearchitects.example", To: []string{"nora@deskandco.example"}, MessageID: "m1@halearchitects.example"},
		{Ref: silent.Ref, Date: silent.Info.Date, From: "nora@deskandco.example", To: []string{"martin@halearchitects.example"}, MessageID: "m2@deskandco.example", Refs: []string{"m1@halearchitects.example"}}}
	bag, _ := bagOf(t, in)
	rows := tableOf(t, bag["data/threads.csv"])
	if len(rows) != 4 {
		t.Fatalf("%d rows:\n%s", len(rows), bag["data/threads.csv"])
	}
	byHash := map[string]map[string]string{}
	for _, r := range rows {
		byHash[r["sha256"]] = r
	}
	r := byHash[silent.Ref.Hex()]
	if r["depth"] != "1" || r["present"] != "+" || r["exhibit"] != "○" || r["message_id"] != "" || r["thread"] != byHash[in.Exhibits[0].Ref.Hex()]["thread"] {
		t.Errorf("a message that is not in the bundle: %v", r)
	}
	people := tableOf(t, bag["data/population.csv"])
	told := map[string]string{}
	for _, p := range people {
		told[p["sha256"]] = p["direction"] + " " + p["disposition"]
	}
	if told[in.Exhibits[0].Ref.Hex()] != "in exhibit E0001" || told[silent.Ref.Hex()] != "out not-selected:no statement of it bears on the question" {
		t.Errorf("%v", told)
	}
	if strings.Contains(bag["data/population.csv"]+bag["data/threads.csv"], "Booked for") {
		t.Error("what a message says that is not in the bundle is told")
	}
}

// A message that refers to one that nobody kept.
func TestThreadsAbsent(t *testing.T) {
	in := mailOf(t, note{raw: reply, said: "Booked for Tuesday.", role: trail.Us})
	bag, _ := bagOf(t, in)
	rows := tableOf(t, bag["data/threads.csv"])
	if len(rows) != 2 || rows[0]["present"] != "−" || rows[0]["message_id"] != "m1@halearchitects.example" || rows[1]["depth"] != "1" {
		t.Errorf("%v", rows)
	}
}

func TestCoverage(t *testing.T) {
	in := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."})
	day := time.Date(2023, 3, 4, 8, 0, 0, 0, time.UTC)
	in.Accounts = []Account{{Address: "nora@deskandco.example", Host: "imap.deskandco.example:993", Source: "imap", Role: "controller", Passes: 2, First: day, Last: day.AddDate(0, 0, 3), Gaps: []SyncGap{{From: day, To: day.AddDate(0, 0, 3), Unseen: 2}}}}
	in.Skews = []Skew{{Authority: "one", Milliseconds: 41000, At: day}}
	bag, _ := bagOf(t, in)
	for _, want := range []string{`"role": "controller"`, `"host": "imap.deskandco.example:993"`, `"ours_minus_theirs_ms": 41000`, `"unanchored_entries": 2`, `"not_covered": [`, `"from": "2023-03-04T08:00:00Z"`} {
		if !strings.Contains(bag["data/coverage.json"], want) {
			t.Errorf("coverage.json lacks %s:\n%s", want, bag["data/coverage.json"])
		}
	}
	said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "FILE", "-"))
	for _, want := range []string{"Not read: nora@deskandco.example, from 4 March 2023, 08:00 UTC to 7 March 2023, 08:00 UTC.", "differed from the one of one by 41.0 seconds"} {
		if !strings.Contains(said, want) {
			t.Errorf("the print lacks %q", want)
		}
	}
}

func TestConverted(t *testing.T) {
	raw := strings.Replace(booking, "Subject:", "X-Inwriting-Converted: from an Outlook message by inwriting/outlook 1;\n original sha256=00ff\nSubject:", 1)
	bag, _ := bagOf(t, mailOf(t, note{raw: raw, said: "Please book the flight for Tuesday."}))
	if row := tableOf(t, bag["data/exhibits.csv"])[0]; row["converted"] != "from an Outlook message by inwriting/outlook 1; original sha256=00ff" {
		t.Errorf("%q", row["converted"])
	}
	if said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "FILE", "-")); !strings.Contains(said, "The octets to rely on are those it was made from.") {
		t.Error("the page does not say that the message was converted")
	}
}

func TestDateNote(t *testing.T) {
	late := strings.Replace(booking, "09:12:00", "06:12:00", 1)
	bag, _ := bagOf(t, mailOf(t, note{raw: late, said: "Please book the flight for Tuesday."}, note{raw: strings.Replace(reply, "Date: Thu, 2 Mar 2023 10:12:00 +0000\n", "", 1)}))
	rows := tableOf(t, bag["data/exhibits.csv"])
	if rows[0]["date_note"] != "Date field and server's date differ by 3h0m30s" || rows[0]["collect_lag"] == "" || rows[0]["direction"] != "in" {
		t.Errorf("%v", rows[0])
	}
	if !strings.HasPrefix(rows[1]["date_note"], "no readable Date field") || rows[1]["direction"] != "out" {
		t.Errorf("%v", rows[1])
	}
	if _, err := time.ParseDuration(rows[0]["collect_lag"]); err != nil {
		t.Error(err)
	}
	if rows[0]["md5"] == "" || rows[0]["uidvalidity"] != "7" || rows[0]["tz_offset"] != "+00:00" || rows[0]["first_page"] == "" {
		t.Errorf("%v", rows[0])
	}
	for i, want := range exhibitColumns {
		if _, ok := rows[0][want]; !ok {
			t.Errorf("column %d, %s, is missing", i, want)
		}
	}
}
