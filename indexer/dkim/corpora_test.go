package dkim

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/corpora"
)

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// records reads lines "name  text".
func records(text string) (out []Record) {
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && !strings.HasPrefix(line, "#") {
			out = append(out, Record{Name: name, Texts: []string{strings.TrimSpace(value)}})
		}
	}
	return out
}

// check judges a mail at the time of its first signature, as if it had just come.
func check(tb testing.TB, mail []byte, recs []Record) Result {
	tb.Helper()
	opt := Options{Lookup: Kept(recs)}
	for range 2 {
		r, err := Check(context.Background(), bytes.NewReader(mail), opt)
		if err != nil {
			tb.Fatal(err)
		}
		if !opt.At.IsZero() || len(r.Signatures) == 0 {
			return r
		}
		opt.At = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		for _, s := range r.Signatures {
			if !s.Expires.IsZero() && s.Expires.Before(opt.At) {
				opt.At = s.Expires.Add(-time.Hour)
			}
		}
	}
	return Result{}
}

// Check 12 on other people's set. It marks old ways of signing as good that prove
// nothing today: those must not fail, and need not be verified.
func TestCheck12MailDKIM(t *testing.T) {
	dir := corpora.Path(t, "corpora", "dkim")
	recs := records(string(read(t, filepath.Join(dir, "Mail-DKIM", "dns.txt"))))
	counts := map[string]int{}
	for _, line := range strings.Split(string(read(t, filepath.Join(dir, "manifest.tsv"))), "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 3 || f[0] != "Mail-DKIM" {
			continue
		}
		r := check(t, read(t, filepath.Join(dir, f[0], f[1])), recs)
		counts[f[2]+" "+string(r.State)]++
		switch {
		case f[2] == "pass" && r.State == Failed:
			t.Errorf("%s: failed: %s", f[1], r.Why)
		case f[2] != "pass" && r.State == Verified:
			t.Errorf("%s: verified, and is %s", f[1], f[2])
		case r.State != Verified && r.Why == "":
			t.Errorf("%s: %s, and nothing says why", f[1], r.State)
		}
		t.Logf("%s is %s: %s %s", f[1], f[2], r.State, r.Why)
	}
	t.Log(counts)
}

func TestCheck12OtherSets(t *testing.T) {
	dir := corpora.Path(t, "corpora", "dkim")
	var list []struct {
		Name, Type string
		Reply      json.RawMessage
	}
	if err := json.Unmarshal(read(t, filepath.Join(dir, "rspamd", "dns.json")), &list); err != nil {
		t.Fatal(err)
	}
	var spamd []Record
	for _, x := range list {
		var one string
		if json.Unmarshal(x.Reply, &one) == nil && x.Type == "TXT" {
			spamd = append(spamd, Record{Name: x.Name, Texts: []string{one}})
		}
	}
	stalwart := func(name string) ([]byte, []Record) {
		head, mail, _ := bytes.Cut(read(t, filepath.Join(dir, "stalwart", name)), []byte("\n\n"))
		return mail, records(string(head))
	}
	for _, tt := range []struct {
		set, name string
		want      State
		why       string
	}{
		{"rspamd", "dkim_revoked_key.eml", NotChecked, ""},
		{"rspamd", "dkim_broken_key.eml", NotChecked, ""},
		{"rspamd", "dmarc/good_dkim_rspamd.eml", Verified, ""},
		{"stalwart", "dkim-001.txt", Verified, ""},
		{"stalwart", "dkim-003.txt", Verified, ""},
	} {
		var mail []byte
		recs := spamd
		if tt.set == "stalwart" {
			mail, recs = stalwart(tt.name)
		} else {
			mail = read(t, filepath.Join(dir, tt.set, tt.name))
		}
		r := check(t, mail, recs)
		if r.State != tt.want {
			t.Errorf("%s/%s: %s %q, want %s", tt.set, tt.name, r.State, r.Why, tt.want)
		}
		t.Logf("%s/%s: %s %s", tt.set, tt.name, r.State, r.Why)
	}
	key := string(read(t, filepath.Join(dir, "MimeKit", "gmail.pub")))
	key = strings.Join(strings.Split(strings.TrimSpace(key), "\n")[1:], "")
	key, _, _ = strings.Cut(key, "-----END")
	mail := read(t, filepath.Join(dir, "MimeKit", "gmail.msg"))
	r := check(t, mail, []Record{{Name: "20120113._domainkey.gmail.com", Texts: []string{"k=rsa; p=" + key}}})
	if r.State != Verified {
		t.Errorf("MimeKit/gmail.msg: %+v", r)
	}
}
