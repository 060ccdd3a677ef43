package bundle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"inwriting/search/trail"
)

// printOf is the PDF of a bundle.
func printOf(t testing.TB, in Input) []byte {
	t.Helper()
	b, sum := written(t, in)
	for _, f := range unzip(t, b) {
		if f.name == sum.Root+"/data/bundle.pdf" {
			return f.data
		}
	}
	t.Fatal("no data/bundle.pdf")
	return nil
}

// stockPDF runs a program of Debian's on a PDF; FILE is where it lies.
func stockPDF(t testing.TB, b []byte, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("this test needs %s: apt-get install qpdf poppler-utils", name)
	}
	file := filepath.Join(t.TempDir(), "bundle.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "FILE", file)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// flat puts text as pdftotext gives it on one line, without its direction marks.
func flat(s string) string {
	s = strings.NewReplacer("\u202a", "", "\u202b", "", "\u202c", "", "\u200e", "", "\u200f", "").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

// bare is text without spaces: a line may end between any two signs.
func bare(s string) string { return strings.Join(strings.Fields(s), "") }

func TestPrint(t *testing.T) {
	in := fixture(t)
	in.Trail.LeftOut = []trail.LeftOut{{Reason: "privileged"}}
	in.Cover = "We agreed on the 15th."
	b := printOf(t, in)
	if out := stockPDF(t, b, "qpdf", "--check", "FILE"); !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Error(out)
	}
	if out := stockPDF(t, b, "pdfinfo", "FILE"); !strings.Contains(out, "Vienna flight, March: what the e-mails say") || !strings.Contains(out, "Tagged:          yes") {
		t.Error(out)
	}
	said := flat(stockPDF(t, b, "pdftotext", "FILE", "-"))
	at := 0
	for _, want := range []string{ // in this order
		"Vienna flight, March", "“which day did Martin want to fly?”", "As the mailboxes stood on 13 March 2023, 07:00 UTC",
		"In the words of whoever made this bundle", "We agreed on the 15th.", "Martin moved the flight in writing on 2 March.", "Instruction 1", "Tue 14 Mar 2023", "Findings", "explained by 5", "1 says Tue 14 March, 6 says Wed 15 March.",
		"What this was drawn from", "Left out on purpose", "1 message that kept mail refers to is not kept", "Not seen by inwriting",
		"The documents", "E0002", "Thursday 2 March 2023", "09:12", "Martin Hale", "Please book me London to Vienna on Tuesday 14 March, first flight out.", "E0001", "ledger entry 1",
		"Martin ⟨U+202E⟩elaH", "=1+1 is what it costs 👩\u200d💻", "So make that flight a day later", "No mail between the people of this trail for 9 days", "third party", "'Quoted' & <b>booked</b>: Wed 15 March",
		"no longer on the server", "SHA-256", "From Martin Hale <a0@halearchitects.example>", "E0005", "Left out", "privileged", "What is not claimed", "This is not legal advice.", "How to check it", "desk.example/vault1",
	} {
		i := strings.Index(said[at:], want)
		if i < 0 {
			t.Fatalf("the print lacks %q behind %q in\n%s", want, said[:at], said[at:])
		}
		at += i + len(want)
	}
	for _, e := range in.Trail.Entries {
		q := bare(strings.NewReplacer("\u202e", "⟨U+202E⟩", "\u200e", "⟨U+200E⟩", ". سلام", "").Replace(e.Statement.Quote)) // poppler moves the stop and takes lam-alef apart
		if !strings.Contains(bare(said), q) {
			t.Errorf("the words of %d are not in the print: %q", e.N, q)
		}
	}
	if strings.Contains(said, "\u202e") {
		t.Error("the print turns the direction of text")
	}
}

func TestPrintSameBytes(t *testing.T) {
	in := fixture(t)
	want := printOf(t, in)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Setenv("TZ", "Asia/Manila")
	if !bytes.Equal(printOf(t, fixture(t)), want) {
		t.Error("two prints of one state differ")
	}
}

// Numbers that nothing has, a statement longer than a page, and no statement at all.
func TestPrintOddTrails(t *testing.T) {
	in := fixture(t)
	in.Trail.Summary.Statements = []int{1, 99}
	in.Trail.Entries[2].Links = []trail.Link{{Rel: trail.Confirms, N: 77}}
	long := &in.Exhibits[4]
	long.Text = strings.Repeat("A sentence that goes on and on. ", 800)
	s := trail.Statement{ID: "s-long", Kind: "terms", Quote: long.Text, End: len(long.Text), Message: long.Info}
	in.Trail.Entries = append(in.Trail.Entries, trail.Entry{N: len(in.Trail.Entries) + 1, Statement: s})
	b := printOf(t, in)
	stockPDF(t, b, "qpdf", "--check", "FILE")
	if said := flat(stockPDF(t, b, "pdftotext", "FILE", "-")); strings.Count(said, "goes on and on.") < 780 || !strings.Contains(said, "Confirms 77") {
		t.Errorf("a long statement is cut short: %d", strings.Count(said, "goes on and on."))
	}
	in.Trail.Entries, in.Exhibits = nil, nil
	if said := flat(stockPDF(t, printOf(t, in), "pdftotext", "FILE", "-")); !strings.Contains(said, "Nothing in writing was found.") {
		t.Error(said)
	}
}

func TestStepFact(t *testing.T) {
	for in, want := range map[string]string{"2023-03-15": "Wed 15 Mar 2023", "2023-03-15T06:50": "Wed 15 Mar 2023, 06:50", "260 GBP": "260 GBP", "": ""} {
		if got := stepFact(in); got != want {
			t.Errorf("stepFact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNotClaimed(t *testing.T) {
	got := notClaimed()
	if len(got) < 8 || !strings.HasPrefix(got[0], "Not who typed a message.") || got[len(got)-1] != "This is not legal advice." {
		t.Errorf("%q", got)
	}
}
