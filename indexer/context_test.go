package indexer

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/ledger"
	"inwriting/indexer/textindex"
)

const questions = `Hi Ben,

Three things before I book the offsite:

Which of the two hotels in the old town do you prefer?
On what day do you want to arrive in Porto this time?
Shall I order the coach for twelve people as well?

Best,
Nora
`

func offsite(n int, from, id, headers, body string) string {
	return fmt.Sprintf("From: %s\nTo: x@deskandco.example\nSubject: Offsite %d\nDate: Mon, 4 Mar 2024 10:%02d:00 +0000\nMessage-ID: <%s>\n%s\n%s", from, n, n, id, headers, body)
}

// contextMail is mail that depends on other mail: answers typed into a quotation without
// marks, lines that three mails of one sender end with, and a quotation of mail that
// is kept and of mail that is not.
func contextMail() []string {
	typed := strings.Replace(strings.Replace(questions, "prefer?\n", "prefer?\nPlease book the Grand Hotel for all of us.\n", 1), "this time?\n", "this time?\nTuesday.\n", 1)
	head := "\n-----Original Message-----\nFrom: Nora Lind [mailto:nora@deskandco.example]\nSent: Monday, 4 March 2024 10:00\nTo: Ben Ode\nSubject: Offsite\n\n"
	out := []string{
		offsite(0, "nora@deskandco.example", "q@deskandco.example", "", questions),
		offsite(1, "Ben Ode <ben@quarry.example>", "a@quarry.example", "In-Reply-To: <q@deskandco.example>\n", "See my answers below.\n"+head+typed),
		offsite(2, "Ben Ode <ben@quarry.example>", "f@quarry.example", "In-Reply-To: <lost@deskandco.example>\n",
			"Fine.\n"+head+"Please send the signed lease to Ida by Friday at the latest.\n\nFrom: Ida Moss <ida@moss.example>\nSent: Friday, 1 March 2024 09:00\nTo: Nora Lind\nSubject: Lease\n\nThe rent is EUR 900 a month and includes the heating.\n"),
	}
	for i := range 4 {
		out = append(out, offsite(10+i, "Iris <iris@slate.example>", fmt.Sprintf("s%d@slate.example", i), "", fmt.Sprintf("Delivery %d is on its way to you.\n\nSlate and Daughters, roofs since 1911\nAsk for our samples\n", i)))
	}
	return out
}

// readings gives what the catalog keeps of each message, by Message-ID.
func readings(t *testing.T, v *Vault) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		return c.Blobs(func(b catalog.Blob) error {
			m, err := c.Message(b.Ref)
			if err != nil {
				return err
			}
			doc, err := json.MarshalIndent(m.Doc, "", " ")
			out[m.Doc.MessageID] = string(doc)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func importOne(t *testing.T, v *Vault, raw string, n int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.eml", n))
	if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	importAndRead(t, v, path)
}

// In whatever order mail arrives, and one by one or all at once, it is read the same,
// and so it is when everything is made again.
func TestContextInAnyOrder(t *testing.T) {
	mails := contextMail()
	var want map[string]string
	for round := range 6 {
		order := rand.New(rand.NewPCG(1, uint64(round))).Perm(len(mails))
		dir := t.TempDir()
		v := openVault(t, dir)
		if round%2 == 0 {
			for i, k := range order {
				importOne(t, v, mails[k], i)
			}
		} else {
			var box strings.Builder
			for _, k := range order {
				box.WriteString("From x Mon Mar  4 10:00:00 2024\n" + mails[k] + "\n")
			}
			path := filepath.Join(t.TempDir(), "all.mbox")
			if err := os.WriteFile(path, []byte(box.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			importAndRead(t, v, path)
		}
		got := readings(t, v)
		if want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("order %v is read differently (-first +this):\n%s", order, d)
		}
		if err := v.RebuildIndex(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, readings(t, v)); d != "" {
			t.Fatalf("order %v is read differently when made again:\n%s", order, d)
		}
		v.Close()
	}
	for _, x := range []struct {
		id        string
		has, lack []string
	}{
		{"a@quarry.example", []string{`"Quote": "Please book the Grand Hotel for all of us."`, `"Quote": "Which of the two hotels in the old town do you prefer?"`}, []string{`"Forwarded"`}},
		{"f@quarry.example", []string{`"address": "ida@moss.example"`, `"Quote": "The rent is EUR 900 a month and includes the heating."`, `"second-hand"`, `"address": "nora@deskandco.example"`, `"DateRaw": "Friday, 1 March 2024 09:00"`}, nil},
		{"s2@slate.example", []string{`"Kind": "signature"`}, nil},
	} {
		for _, s := range x.has {
			if !strings.Contains(want[x.id], s) {
				t.Errorf("the reading of %s lacks %s:\n%s", x.id, s, want[x.id])
			}
		}
		for _, s := range x.lack {
			if strings.Contains(want[x.id], s) {
				t.Errorf("the reading of %s has %s:\n%s", x.id, s, want[x.id])
			}
		}
	}
}

// What is erased has told nothing: what was read in its light is read without it.
func TestContextOfErased(t *testing.T) {
	v := openVault(t, t.TempDir())
	for i, raw := range contextMail() {
		importOne(t, v, raw, i)
	}
	var parent archive.Ref
	err := v.Stores(func(_ *archive.Archive, _ *ledger.Ledger, c *catalog.Catalog, _ *textindex.Index) error {
		refs, err := c.RefsOfMessageID("q@deskandco.example", 1)
		if err == nil {
			parent = refs[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Erase(context.Background(), EraseRequest{Refs: []archive.Ref{parent}, Reason: "asked for", By: "nora"}); err != nil {
		t.Fatal(err)
	}
	if err := v.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	got := readings(t, v)
	if err := v.RebuildIndex(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(readings(t, v), got); d != "" {
		t.Errorf("made again it is read differently (-again +before):\n%s", d)
	}
	if strings.Contains(got["a@quarry.example"], `"Quote": "`) && strings.Contains(got["a@quarry.example"], "Grand Hotel") {
		t.Error("the answers are told from an erased mail, or as another's words")
	}
}
