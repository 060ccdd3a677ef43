// Package dkim says what the signatures of a message prove (RFC 6376): which
// domain signed which header fields and the body, and whether that still holds. It
// proves a domain, not who typed, and a signature that does not hold is no proof
// of a forgery: lists and some servers rewrite mail that they pass on.
//
// A signature has one of three states. "verified": it holds under the key that the
// domain published. "failed": what was signed is not what is here. "not checked":
// nothing can be said, and why. The key records are handed back with the verdict:
// with them Check gives the same verdict when the DNS has long forgotten them.
//
// What holds is the signature's content in its canonical form; that the octets
// are those received is for the archive's hash to say.
package dkim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// State of a signature, and of a message.
type State string

const (
	Verified   State = "verified"
	Failed     State = "failed"
	NotChecked State = "not checked"
)

// Result is what the signatures of one message say.
type Result struct {
	// State is Verified when a signature holds, Failed when none does and one
	// fails, else NotChecked.
	State      State
	Why        string // of a state that is not Verified
	Signatures []Signature
	Statement  *Statement // of the receiving server; nil when there is none to be trusted
	// Unanswered: a name server did not answer; asking again may tell more.
	Unanswered bool
}

// Signature is one DKIM-Signature field.
type Signature struct {
	Domain    string
	Selector  string
	Algorithm string
	Canon     string   // header/body
	Headers   []string // that it says it covers, as written
	// Uncovered are the fields that people are shown or answer to, and that
	// anybody on the way could have added or changed.
	Uncovered []string
	Signed    time.Time // zero when it does not say
	Expires   time.Time // zero when it does not end
	Length    int64     // octets of the body that it covers; -1 for all of it
	State     State
	Why       string
	// Key is the record that it was checked with; Texts is nil where none was got.
	Key Record
}

// Record is the DNS's answer about a key.
type Record struct {
	Name     string   // selector._domainkey.domain
	Texts    []string // one for each TXT record
	Resolver string   // who was asked; "" for the system's resolver
	AD       string   // whether DNSSEC vouches for it: "yes", "no", "" unknown
}

// Lookup finds a key record. An error that is a net.Error and temporary, or wraps
// one, says that the answer is not known; ErrNoKey and others that there is none.
type Lookup func(ctx context.Context, name string) (Record, error)

// ErrNoKey: the domain publishes no such key.
var ErrNoKey = errors.New("no such key is published")

// Options of Check.
type Options struct {
	// Lookup finds keys; nil: nobody may be asked, and NoLookup says why.
	Lookup   Lookup
	NoLookup string
	// At is when the signatures are judged; an ended one does not hold.
	At time.Time
	// Receivers are the servers whose word about a message we take: authserv-ids of
	// Authentication-Results. Without any, the topmost field is taken for whatever
	// server it names.
	Receivers []string
}

// maxSignatures bounds the work that a message can ask for.
const maxSignatures = 8

// Check reads a message and says what its signatures prove at opt.At. The error is
// r's, or ctx's; a strange message is none.
func Check(ctx context.Context, r io.Reader, opt Options) (Result, error) {
	head, body, err := readHeader(r)
	if err != nil {
		return Result{}, err
	}
	res := Result{State: NotChecked, Statement: statementOf(head, opt.Receivers)}
	var values []string
	for _, f := range head {
		if strings.EqualFold(f.name, "DKIM-Signature") {
			values = append(values, f.value)
		}
	}
	if len(values) == 0 {
		res.Why = "it carries no signature"
		return res, nil
	}
	extra := len(values) - maxSignatures
	values = values[:min(len(values), maxSignatures)]
	answers := map[string]answer{}
	for _, v := range values {
		s := parse(v, head)
		if name := s.Key.Name; name != "" && s.Why == "" && opt.Lookup != nil {
			if _, asked := answers[name]; !asked {
				rec, err := opt.Lookup(ctx, name)
				if ctx.Err() != nil {
					return Result{}, ctx.Err()
				}
				rec.Name = name
				answers[name] = answer{rec, err}
			}
		}
		res.Signatures = append(res.Signatures, s)
	}
	if opt.Lookup == nil {
		for i := range res.Signatures {
			if s := &res.Signatures[i]; s.Why == "" {
				s.Why = opt.NoLookup
			}
		}
	} else if err := verify(io.MultiReader(strings.NewReader(headerText(head)), body), &res, answers, opt.At); err != nil {
		return Result{}, err
	}
	res.conclude(extra)
	return res, nil
}

func (r *Result) conclude(extra int) {
	for _, s := range r.Signatures {
		switch {
		case s.State == Verified:
			r.State, r.Why = Verified, ""
			return
		case s.State == Failed && r.State != Failed:
			r.State, r.Why = Failed, s.Why
		case r.Why == "":
			r.Why = s.Why
		}
	}
	if extra > 0 && r.State == NotChecked {
		r.Why += fmt.Sprintf(" (%d more signatures were left alone)", extra)
	}
}

type answer struct {
	rec Record
	err error
}

// verify fills in the states. The library judges expiry by the clock: it is given
// the time at which the signature says it was made, and expiry is ours to judge.
func verify(r io.Reader, res *Result, answers map[string]answer, at time.Time) error {
	seen := &onceError{r: r}
	got, err := withClock(time.Unix(0, 0), func() ([]*dkim.Verification, error) {
		return dkim.VerifyWithOptions(seen, &dkim.VerifyOptions{MaxVerifications: maxSignatures, LookupTXT: func(name string) ([]string, error) {
			a, ok := answers[name]
			switch {
			case !ok:
				return nil, ErrNoKey // of a signature that cannot be read
			case a.err != nil && temporary(a.err):
				return nil, &net.DNSError{Err: "no answer", Name: name, IsTemporary: true}
			case a.err != nil:
				return nil, a.err
			}
			return a.rec.Texts, nil
		}})
	})
	if seen.err != nil {
		return seen.err
	}
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) || len(got) != len(res.Signatures) {
		for i := range res.Signatures {
			res.Signatures[i].Why = "the message cannot be read as mail"
		}
		return nil
	}
	for i := range res.Signatures {
		s := &res.Signatures[i]
		a, asked := answers[s.Key.Name]
		if asked && a.err == nil {
			s.Key = a.rec
		}
		if s.Why != "" {
			continue // it cannot be judged, whatever the library makes of it
		}
		if asked && a.err != nil && temporary(a.err) {
			res.Unanswered = true
		}
		s.State, s.Why = judge(s, got[i].Err, at)
	}
	return nil
}

func judge(s *Signature, err error, at time.Time) (State, string) {
	var text string
	if err != nil {
		text = strings.TrimPrefix(err.Error(), "dkim: ")
	}
	switch {
	case err == nil && !s.Expires.IsZero() && at.After(s.Expires):
		return NotChecked, fmt.Sprintf("it ended on %s, before it was checked; apart from that it holds", s.Expires.UTC().Format("2 January 2006"))
	case err == nil && !s.Signed.IsZero() && s.Signed.After(at.Add(24*time.Hour)):
		return NotChecked, fmt.Sprintf("it says that it was made on %s, which is not yet; apart from that it holds", s.Signed.UTC().Format("2 January 2006"))
	case err == nil:
		return Verified, ""
	case dkim.IsTempFail(err):
		return NotChecked, "the name server did not answer"
	case strings.HasPrefix(text, "body hash did not verify"):
		return Failed, "the body is not the one that was signed"
	case strings.HasPrefix(text, "signature did not verify"):
		return Failed, "the header fields are not those that were signed, or the key is another"
	case strings.Contains(text, "body length tag"):
		return NotChecked, lengthWhy(s.Length)
	case strings.HasPrefix(text, "no key for signature"), strings.HasPrefix(text, "no valid key"):
		return NotChecked, "the domain publishes no such key, or no longer does"
	case strings.HasPrefix(text, "key revoked"):
		return NotChecked, "the domain has withdrawn the key"
	case strings.Contains(text, "key is too short"):
		return NotChecked, "its key is too short to prove anything (RSA below 1024 bits)"
	case strings.Contains(text, "hash algorithm too weak"):
		return NotChecked, "it uses SHA-1, which proves nothing any more"
	}
	return NotChecked, "it does not follow the standard: " + text
}

func lengthWhy(n int64) string {
	return fmt.Sprintf("it covers only the first %d octets of the body, and anything may follow them", n)
}

func temporary(err error) bool {
	var ne net.Error
	//lint:ignore SA1019 the question is the DNS's own, and net.DNSError answers it
	return errors.As(err, &ne) && (ne.Timeout() || ne.Temporary()) || errors.Is(err, context.DeadlineExceeded)
}

// parse reads one signature field. Why is set when nothing more can come of it.
func parse(value string, head []field) Signature {
	s := Signature{State: NotChecked, Length: -1}
	tags, err := tagList(value)
	if err != nil {
		s.Why = "it cannot be read: " + err.Error()
		return s
	}
	s.Domain, s.Selector, s.Algorithm = strings.ToLower(tags["d"]), tags["s"], strings.ToLower(tags["a"])
	if s.Canon = tags["c"]; s.Canon == "" {
		s.Canon = "simple/simple"
	} else if !strings.Contains(s.Canon, "/") {
		s.Canon += "/simple"
	}
	for _, h := range strings.Split(tags["h"], ":") {
		if h = strings.TrimSpace(h); h != "" {
			s.Headers = append(s.Headers, h)
		}
	}
	s.Uncovered = uncovered(head, s.Headers)
	s.Signed, s.Expires = unix(tags["t"]), unix(tags["x"])
	if l, ok := tags["l"]; ok {
		if s.Length, err = strconv.ParseInt(l, 10, 64); err != nil || s.Length < 0 {
			s.Length = 0
		}
	}
	for _, tag := range []string{"v", "a", "b", "bh", "d", "h", "s"} {
		if _, ok := tags[tag]; !ok {
			s.Why = fmt.Sprintf("it cannot be read: it has no %s=", tag)
			return s
		}
	}
	s.Key.Name = tags["s"] + "._domainkey." + tags["d"]
	if strings.HasSuffix(s.Algorithm, "-sha1") {
		s.Why = "it uses SHA-1, which proves nothing any more"
	} else if _, ok := tags["l"]; ok {
		s.Why = lengthWhy(s.Length)
	}
	return s
}

func unix(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// tagList reads RFC 6376 section 3.2. White space inside values means nothing in
// all the tags that are read here.
func tagList(s string) (map[string]string, error) {
	tags := map[string]string{}
	for _, part := range strings.Split(s, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		k, v, ok := strings.Cut(part, "=")
		k = strings.TrimSpace(k)
		if !ok || k == "" {
			return nil, fmt.Errorf("%q is no tag", shorten(strings.TrimSpace(part)))
		}
		if _, twice := tags[k]; twice {
			return nil, fmt.Errorf("it has two %s=", k)
		}
		tags[k] = strings.Join(strings.Fields(v), "")
	}
	return tags, nil
}

func shorten(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

// shown are the fields that people are shown, answer to or sort by.
var shown = []string{"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"}

// uncovered lists fields of the message that a signature over signed leaves open.
// Fields of one name are covered from the last upwards, one for each time that the
// name is listed (RFC 6376 section 5.4.2): one that was added on top of a covered
// one is open.
func uncovered(head []field, signed []string) []string {
	var out []string
	for _, name := range shown {
		have, covered := 0, 0
		for _, f := range head {
			if strings.EqualFold(f.name, name) {
				have++
			}
		}
		for _, h := range signed {
			if strings.EqualFold(h, name) {
				covered++
			}
		}
		switch {
		case have == 0 || covered >= have:
		case covered == 0:
			out = append(out, name)
		default:
			out = append(out, fmt.Sprintf("%s (%d of %d)", name, have-covered, have))
		}
	}
	return out
}

// Aligned reports whether a domain that signed is that of an address, or one above
// it: only then do the signature and the sender's name belong together.
func Aligned(domain, address string) bool {
	_, from, ok := strings.Cut(strings.ToLower(address), "@")
	domain = strings.ToLower(domain)
	return ok && domain != "" && (from == domain || strings.HasSuffix(from, "."+domain))
}

// Names returns the key names that the signatures of a message ask for, each once.
func (r Result) Names() []string {
	var out []string
	for _, s := range r.Signatures {
		if s.Key.Name != "" && !slices.Contains(out, s.Key.Name) {
			out = append(out, s.Key.Name)
		}
	}
	return out
}

// Kept answers from records that were kept: nobody is asked.
func Kept(records []Record) Lookup {
	return func(_ context.Context, name string) (Record, error) {
		for _, r := range records {
			if strings.EqualFold(r.Name, name) {
				return r, nil
			}
		}
		return Record{}, ErrNoKey
	}
}
