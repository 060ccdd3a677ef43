package dkim

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"
)

const plain = "From: Martin <martin@hale.example>\r\n" +
	"To: nora@deskandco.example\r\n" +
	"Subject: Vienna\r\n" +
	"Date: Thu, 2 Mar 2023 09:12:00 +0000\r\n" +
	"Message-ID: <1@hale.example>\r\n" +
	"\r\n" +
	"Please book Tuesday.\r\n"

var now = time.Date(2023, 3, 2, 9, 13, 0, 0, time.UTC)

// signer signs invented mail with a fresh key.
type signer struct {
	key    crypto.Signer
	record Record
}

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, Record{Name: "s1._domainkey.hale.example", Texts: []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)}}}
}

func (s signer) sign(t testing.TB, mail string, opt dkim.SignOptions) string {
	t.Helper()
	opt.Domain, opt.Selector, opt.Signer = "hale.example", "s1", s.key
	if opt.HeaderKeys == nil {
		opt.HeaderKeys = []string{"From", "Subject", "Date"}
	}
	opt.HeaderCanonicalization, opt.BodyCanonicalization = dkim.CanonicalizationRelaxed, dkim.CanonicalizationRelaxed
	var b bytes.Buffer
	_, err := withClock(now, func() (int, error) { return 0, dkim.Sign(&b, strings.NewReader(mail), &opt) })
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Check 12 on mail of our own: pass, body edit, signed-header edit, unsigned-header
// add, l=, x= ended, SHA-1, key gone from the DNS.
func TestCheck12Own(t *testing.T) {
	s := newSigner(t)
	mail := s.sign(t, plain, dkim.SignOptions{})
	until := s.sign(t, plain, dkim.SignOptions{Expiration: now.Add(time.Hour)})
	here := Kept([]Record{s.record})
	other := newSigner(t)
	other.record.Name = s.record.Name
	temp := func(context.Context, string) (Record, error) {
		return Record{}, fmt.Errorf("looking up: %w", &net.DNSError{IsTimeout: true})
	}
	withTag := func(mail, tag string) string { return strings.Replace(mail, "v=1;", "v=1; "+tag+";", 1) }
	for _, tt := range []struct {
		name, mail string
		opt        Options
		want       State
		why        string // a part of it
	}{
		{"pass", mail, Options{Lookup: here}, Verified, ""},
		{"line feeds alone", strings.ReplaceAll(mail, "\r\n", "\n"), Options{Lookup: here}, Verified, ""},
		{"body edited", strings.Replace(mail, "Tuesday", "Wednesday", 1), Options{Lookup: here}, Failed, "body"},
		{"signed header edited", strings.Replace(mail, "Subject: Vienna", "Subject: Rome", 1), Options{Lookup: here}, Failed, "header"},
		{"unsigned header added", "Reply-To: x@evil.example\r\n" + mail, Options{Lookup: here}, Verified, ""},
		{"signed header added on top", "Subject: Rome\r\n" + mail, Options{Lookup: here}, Verified, ""},
		{"another key", mail, Options{Lookup: Kept([]Record{other.record})}, Failed, "key"},
		{"key gone", mail, Options{Lookup: Kept(nil)}, NotChecked, "no such key"},
		{"key withdrawn", mail, Options{Lookup: Kept([]Record{{Name: s.record.Name, Texts: []string{"v=DKIM1; p="}}})}, NotChecked, "withdrawn"},
		{"no answer", mail, Options{Lookup: temp}, NotChecked, "did not answer"},
		{"nobody may be asked", mail, Options{NoLookup: "name servers are not asked"}, NotChecked, "not asked"},
		{"no signature", plain, Options{Lookup: here}, NotChecked, "no signature"},
		{"in time", until, Options{Lookup: here}, Verified, ""},
		{"ended", until, Options{Lookup: here, At: now.Add(48 * time.Hour)}, NotChecked, "ended on 2 March 2023, before it was checked; apart from that it holds"},
		{"ended and edited", strings.Replace(until, "Tuesday", "Wednesday", 1), Options{Lookup: here, At: now.Add(48 * time.Hour)}, Failed, "body"},
		{"made in the future", mail, Options{Lookup: here, At: now.Add(-48 * time.Hour)}, NotChecked, "which is not yet"},
		{"years later, as of then", until, Options{Lookup: here, At: now}, Verified, ""},
		{"l=", withTag(mail, "l=5"), Options{Lookup: here}, NotChecked, "first 5 octets"},
		{"SHA-1", strings.Replace(mail, "rsa-sha256", "rsa-sha1", 1), Options{Lookup: here}, NotChecked, "SHA-1"},
		{"tag twice", withTag(mail, "d=hale.example"), Options{Lookup: here}, NotChecked, "cannot be read"},
		{"no s=", strings.Replace(mail, " s=s1;", "", 1), Options{Lookup: here}, NotChecked, "no s="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opt.At.IsZero() {
				tt.opt.At = now
			}
			r, err := Check(context.Background(), strings.NewReader(tt.mail), tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if r.State != tt.want || !strings.Contains(r.Why, tt.why) || (r.Why == "") != (r.State == Verified) {
				t.Errorf("%s %q, want %s %q", r.State, r.Why, tt.want, tt.why)
			}
			if r.Unanswered != (tt.name == "no answer") {
				t.Errorf("unanswered %v", r.Unanswered)
			}
		})
	}
}

// Check 12: headers that the signature leaves open, and the record that makes it
// checkable when the DNS has forgotten the key.
func TestCheck12UncoveredAndKept(t *testing.T) {
	s := newSigner(t)
	mail := "Subject: Rome\r\nReply-To: x@evil.example\r\n" + s.sign(t, plain, dkim.SignOptions{Expiration: now.Add(time.Hour)})
	r, err := Check(context.Background(), strings.NewReader(mail), Options{Lookup: Kept([]Record{s.record}), At: now})
	if err != nil {
		t.Fatal(err)
	}
	want := []Signature{{Domain: "hale.example", Selector: "s1", Algorithm: "rsa-sha256", Canon: "relaxed/relaxed", Headers: []string{"From", "Subject", "Date"},
		Uncovered: []string{"Reply-To", "To", "Subject (1 of 2)", "Message-ID"}, Signed: now, Expires: now.Add(time.Hour), Length: -1, State: Verified, Key: s.record}}
	if d := cmp.Diff(want, r.Signatures); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{s.record.Name}, r.Names()); d != "" {
		t.Error(d)
	}
	again, err := Check(context.Background(), strings.NewReader(mail), Options{Lookup: Kept([]Record{r.Signatures[0].Key}), At: now})
	if err != nil || cmp.Diff(r, again) != "" {
		t.Errorf("from the kept record: %+v, %v", again, err)
	}
}

func TestEd25519AndSeveral(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := signer{key, Record{Name: "s1._domainkey.hale.example", Texts: []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)}}}
	mail := e.sign(t, plain, dkim.SignOptions{})
	list := "DKIM-Signature: v=1; a=rsa-sha256; d=list.example; s=x; h=from; bh=AA==; b=AA==\r\n" + mail
	r, err := Check(context.Background(), strings.NewReader(list), Options{Lookup: Kept([]Record{e.record}), At: now})
	if err != nil || r.State != Verified || len(r.Signatures) != 2 || r.Signatures[0].State == Verified || r.Signatures[1].State != Verified {
		t.Errorf("%+v, %v", r, err)
	}
	many := strings.Repeat("DKIM-Signature: v=1; a=rsa-sha256; d=list.example; s=x; h=from; bh=AA==; b=AA==\r\n", 20) + mail
	asked := 0
	r, err = Check(context.Background(), strings.NewReader(many), Options{At: now, Lookup: func(context.Context, string) (Record, error) { asked++; return Record{}, ErrNoKey }})
	if err != nil || r.State != NotChecked || len(r.Signatures) != maxSignatures || asked != 1 || !strings.Contains(r.Why, "13 more") {
		t.Errorf("asked %d times, %+v, %v", asked, r, err)
	}
}

func TestStatement(t *testing.T) {
	const ours = "Authentication-Results: mx.deskandco.example;\r\n dkim=pass header.d=hale.example; spf=softfail smtp.mailfrom=hale.example; dmarc=pass\r\n"
	const theirs = "Authentication-Results: mx.evil.example; dkim=pass header.d=bank.example\r\n"
	for _, tt := range []struct {
		name, mail string
		receivers  []string
		server     string
		results    string
	}{
		{"topmost", ours + theirs + plain, nil, "mx.deskandco.example", "dkim=pass (hale.example) spf=softfail dmarc=pass"},
		{"ours", ours + theirs + plain, []string{"MX.deskandco.example"}, "mx.deskandco.example", "dkim=pass (hale.example) spf=softfail dmarc=pass"},
		{"only theirs", theirs + plain, []string{"mx.deskandco.example"}, "", ""},
		{"ours below theirs", theirs + ours + plain, []string{"mx.deskandco.example"}, "", ""},
		{"none", plain, nil, "", ""},
		{"version", "Authentication-Results: mx.deskandco.example 1; none\r\n" + plain, nil, "mx.deskandco.example", ""},
		{"broken", "Authentication-Results: mx.deskandco.example; =;;=\r\n" + plain, nil, "mx.deskandco.example", ""},
	} {
		r, err := Check(context.Background(), strings.NewReader(tt.mail), Options{Receivers: tt.receivers, At: now})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case tt.server == "" && r.Statement == nil:
		case r.Statement == nil || r.Statement.Server != tt.server || r.Statement.Results != tt.results || len(r.Statement.Header) != 64:
			t.Errorf("%s: %+v", tt.name, r.Statement)
		}
	}
}

func TestAligned(t *testing.T) {
	for _, tt := range []struct {
		domain, address string
		want            bool
	}{
		{"hale.example", "martin@hale.example", true},
		{"hale.example", "martin@Mail.Hale.example", true},
		{"mail.hale.example", "martin@hale.example", false},
		{"ale.example", "martin@hale.example", false},
		{"", "martin@hale.example", false},
		{"hale.example", "hale.example", false},
	} {
		if got := Aligned(tt.domain, tt.address); got != tt.want {
			t.Errorf("%q, %q: %v", tt.domain, tt.address, got)
		}
	}
}

func TestCheckPassesErrorsOn(t *testing.T) {
	s := newSigner(t)
	mail := s.sign(t, plain, dkim.SignOptions{})
	mail = "DKIM-Signature: v=1; a=rsa-sha256; d=list.example; s=x; h=from; bh=AA==; b=AA==\r\n" + mail // two are checked side by side
	broken := errors.New("disk")
	before := runtime.NumGoroutine()
	defer func() {
		for range 100 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
	}()
	for _, n := range []int{10, len(mail) - 3} {
		r := io.MultiReader(strings.NewReader(mail[:n]), iotest.ErrReader(broken))
		if _, err := Check(context.Background(), r, Options{Lookup: Kept([]Record{s.record}), At: now}); !errors.Is(err, broken) {
			t.Errorf("after %d octets: %v", n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, strings.NewReader(mail), Options{Lookup: Kept(nil), At: now}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	s := newSigner(f)
	f.Add([]byte(s.sign(f, plain, dkim.SignOptions{})))
	f.Add([]byte("Authentication-Results: a; dkim=pass\r\nFrom x\n: \r\n\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Check(context.Background(), bytes.NewReader(b), Options{Lookup: Kept([]Record{s.record}), At: now})
		if err != nil {
			t.Fatal(err)
		}
		if (r.Why == "") != (r.State == Verified) {
			t.Errorf("%s %q", r.State, r.Why)
		}
		// No mail that nobody signed may be verified.
		if r.State == Verified && !bytes.Contains(b, []byte("Tuesday")) {
			t.Errorf("verified: %q", b)
		}
	})
}
