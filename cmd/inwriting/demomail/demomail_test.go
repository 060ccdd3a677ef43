package demomail

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// each calls f for every message where it lies.
func each(t *testing.T, f func(t *testing.T, place string, m Message)) {
	t.Helper()
	for _, box := range Mailboxes() {
		for _, folder := range box.Folders {
			for _, m := range folder.Messages {
				f(t, box.Address+"/"+folder.Name, m)
			}
		}
	}
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func TestCounts(t *testing.T) {
	seen := map[string]int{}
	ids := map[string]map[string]bool{}
	each(t, func(_ *testing.T, _ string, m Message) {
		seen[digest(m.Raw)]++
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			return // TestMessages reports it
		}
		if id := parsed.Header.Get("Message-Id"); id != "" {
			if ids[id] == nil {
				ids[id] = map[string]bool{}
			}
			ids[id][digest(m.Raw)] = true
		}
	})
	copies, variants := 0, 0
	for _, n := range seen {
		if n > 1 {
			copies++
		}
	}
	for _, octets := range ids {
		if len(octets) > 1 {
			variants++
		}
	}
	t.Logf("%d different messages, %d of them in two places, %d in variants", len(seen), copies, variants)
	if got := len(Mailboxes()); got != 3 {
		t.Errorf("%d mailboxes, want 3", got)
	}
	for _, box := range Mailboxes() {
		if len(box.Folders) < 3 || box.Folders[0].Name != "INBOX" {
			t.Errorf("%s has %d folders, the first %q", box.Address, len(box.Folders), box.Folders[0].Name)
		}
	}
	if len(seen) < 350 {
		t.Errorf("%d different messages, want at least 350", len(seen))
	}
	if copies < 5 || variants < 20 {
		t.Errorf("%d copies and %d variants: too tidy", copies, variants)
	}
}

func TestMessages(t *testing.T) {
	from := time.Date(2022, 9, 1, 0, 0, 0, 0, time.UTC)
	until := time.Date(2023, 3, 13, 9, 0, 0, 0, time.UTC)
	address := regexp.MustCompile(`[A-Za-z0-9._+-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+`)
	each(t, func(t *testing.T, place string, m Message) {
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Errorf("%s: %v", place, err)
			return
		}
		what := place + " " + parsed.Header.Get("Subject") + " " + parsed.Header.Get("Date")
		date, err := parsed.Header.Date()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if date.Before(from) || date.After(until) || m.InternalDate.Before(date) || m.InternalDate.After(date.Add(time.Minute)) {
			t.Errorf("%s: written %v, arrived %v", what, date, m.InternalDate)
		}
		for _, name := range []string{"From", "To", "Cc"} {
			if parsed.Header.Get(name) == "" || strings.HasPrefix(parsed.Header.Get(name), "undisclosed") || strings.HasPrefix(parsed.Header.Get(name), "MAILER-DAEMON") {
				continue
			}
			list, err := parsed.Header.AddressList(name)
			if err != nil {
				t.Errorf("%s: %s: %v", what, name, err)
			}
			for _, a := range list {
				if !strings.HasSuffix(a.Address, ".example") {
					t.Errorf("%s: %s: %s is not in .example", what, name, a.Address)
				}
			}
		}
		if bare := bytes.ReplaceAll(m.Raw, []byte("\r\n"), nil); bytes.ContainsAny(bare, "\r\n") {
			t.Errorf("%s: a bare CR or LF", what)
		}
		for line := range strings.SplitSeq(string(m.Raw), "\r\n") {
			if len(line) > 998 {
				t.Errorf("%s: a line of %d octets", what, len(line))
			}
		}
		text := bodyText(t, what, parsed)
		if len(strings.Fields(text)) == 0 {
			t.Errorf("%s: the body is empty", what)
		}
		for _, a := range address.FindAllString(text, -1) {
			if !strings.HasSuffix(a, ".example") {
				t.Errorf("%s: the body names %s", what, a)
			}
		}
	})
}

// bodyText is the first text part, decoded.
func bodyText(t *testing.T, what string, m *mail.Message) string {
	t.Helper()
	return partText(t, what, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

func partText(t *testing.T, what, contentType, cte string, body io.Reader) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return ""
	}
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		first := ""
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return first
			}
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return first
			}
			s := partText(t, what, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
			if first == "" {
				first = s
			}
		}
	}
	switch cte {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	switch params["charset"] {
	case "iso-8859-1":
		body = charmap.ISO8859_1.NewDecoder().Reader(body)
	case "windows-1252":
		body = charmap.Windows1252.NewDecoder().Reader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if !strings.HasPrefix(kind, "text/") {
		return ""
	}
	return string(b)
}

// TestDeterministic composes everything anew and compares.
func TestDeterministic(t *testing.T) {
	sum := func(boxes []Mailbox) map[string]string {
		out := map[string]string{}
		for _, box := range boxes {
			for _, folder := range box.Folders {
				h := sha256.New()
				for _, m := range folder.Messages {
					h.Write(m.Raw)
					io.WriteString(h, m.InternalDate.UTC().String()+strings.Join(m.Flags, " "))
				}
				out[box.Address+"/"+folder.Name] = hex.EncodeToString(h.Sum(nil))
			}
		}
		return out
	}
	if diff := cmp.Diff(sum(build()), sum(build())); diff != "" {
		t.Error(diff)
	}
}

// TestMess holds that the mail is as mixed as real mail.
func TestMess(t *testing.T) {
	wanted := map[string]*regexp.Regexp{}
	for name, pattern := range map[string]string{
		"utf-8": `charset=utf-8`, "latin-1": `charset=iso-8859-1`, "windows-1252": `charset=windows-1252`, "ascii": `charset=us-ascii`,
		"7bit": `Encoding: 7bit`, "8bit": `Encoding: 8bit`, "qp": `Encoding: quoted-printable`, "base64": `Encoding: base64`,
		"flowed": `format=flowed`, "alternative": `multipart/alternative`, "mixed": `multipart/mixed`, "report": `multipart/report`,
		"html only": `(?m)^MIME-Version: 1.0\r\nContent-Type: text/html`, "empty subject": `(?m)^Subject: \r\n`,
		"outlook": `Microsoft Outlook`, "iphone": `iPhone Mail`, "apple": `Apple Mail`, "thunderbird": `Thunderbird/`, "roundcube": `Roundcube`,
		"gmail": `@mail\.gmail\.example`, "list": `(?m)^List-Unsubscribe`, "auto reply": `auto-replied`, "signed": `(?m)^DKIM-Signature: `,
		"pdf": `application/pdf`, "csv": `text/csv`, "calendar": `text/calendar`, "spreadsheet": `spreadsheetml`,
		"encoded name": `filename\*=utf-8''`, "no recipient": `undisclosed-recipients`, "null sender": `(?m)^Return-Path: <>`,
	} {
		wanted[name] = regexp.MustCompile(pattern)
	}
	found := map[string]int{}
	withoutID := 0
	each(t, func(_ *testing.T, _ string, m Message) {
		for name, pattern := range wanted {
			if pattern.Match(m.Raw) {
				found[name]++
			}
		}
		header, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
		if !bytes.Contains(header, []byte("Message-ID:")) {
			withoutID++
		}
	})
	for name := range wanted {
		if found[name] == 0 {
			t.Errorf("no message with %s", name)
		}
	}
	if withoutID == 0 {
		t.Error("every message has a Message-ID")
	}
	t.Log(found)
}

// TestDisputes holds the words that the product's own pictures show.
func TestDisputes(t *testing.T) {
	said := map[string][]string{
		"vienna-1":  {"Please book me London to Vienna on Tuesday 14 March, first flight out, and back on Thursday evening. Hand luggage only, and keep it under £260."},
		"vienna-2":  {"Confirming: London–Vienna on Tuesday 14 March, first flight out, home on Thursday 16 March in the evening, under £260.", "Shall I put it on the company card, or on yours?"},
		"vienna-4":  {"Company card is fine. Go ahead."},
		"vienna-5":  {"Kessler has moved to Thursday lunch, so make that flight a day later. Same times otherwise."},
		"vienna-6":  {"Will do: Wednesday 15 March instead, first flight out. The return stays on Thursday 16 March."},
		"vienna-7":  {"Booking QX7T2L is confirmed. Outbound Wed 15 Mar 2023, 06:50 LHR–VIE. Return Thu 16 Mar 2023, 19:35. Total £238.40."},
		"vienna-8":  {"Booked, ticket attached: out on Wednesday 15 March at 06:50, back Thursday 16 March at 19:35, £238.40 on the company card.", "Please check the details and tell me by tomorrow noon if anything is off. Changes are free for 24 hours; after that they cost £85."},
		"vienna-11": {"What time is the taxi tomorrow?"},
		"vienna-12": {"Your flight is on Wednesday the 15th at 06:50. The taxi is booked for Wednesday at 04:30."},
		"vienna-13": {Disputes[0].Claim, "I said Tuesday 14 March, and I expect you to cover the new ticket."},
		"rec-2":     {"My rate for receipts is €28 per hour, billed monthly and due within 14 days. I expect about 7 hours a month."},
		"rec-3":     {"€28 an hour is fine for me. Please start with the September box."},
		"rec-18":    {"Don't worry about the open invoices, I will pay all of them once my accountant is back in February."},
		"rec-22":    {"I will transfer the €1,162 by 15 February. Sorry for the delay."},
		"rec-28":    {"All six months are in the sheet now: 412 receipts, 41.5 hours, €1,162.00 as invoiced."},
		"rec-31":    {Disputes[1].Claim + " A few receipts cannot cost €1,162."},
	}
	_, entries, err := parseSources(sources)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, words := range said[e.id] {
			if !strings.Contains(strings.Join(e.body, "\n"), words) {
				t.Errorf("%s does not say %q", e.id, words)
			}
		}
		delete(said, e.id)
	}
	for id := range said {
		t.Errorf("there is no message %s", id)
	}
	_, clients, _ := Config()
	for _, d := range Disputes {
		known := false
		for _, c := range clients {
			known = known || c.Name == d.Client
		}
		if !known {
			t.Errorf("%s: %q is no client", d.Name, d.Client)
		}
	}
}

// TestSilence holds that nothing passes between Martin and the agency between
// the ticket and the question about the taxi.
func TestSilence(t *testing.T) {
	_, entries, err := parseSources(sources)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := time.Date(2023, 3, 3, 16, 31, 44, 0, time.UTC), time.Date(2023, 3, 13, 7, 20, 11, 0, time.UTC)
	for _, e := range entries {
		if !e.date.After(begin) || !e.date.Before(end) {
			continue
		}
		for _, p := range append(append([]*person{e.from}, e.to...), e.cc...) {
			if strings.HasSuffix(p.address, "@halearchitects.example") || p.key == "martin-home" {
				t.Errorf("%s, %v: %s", e.id, e.date, p.address)
			}
		}
	}
}

// TestDKIM checks every signature as RFC 6376 section 6.1 and RFC 8463 say, by
// other code than signed.
func TestDKIM(t *testing.T) {
	field := regexp.MustCompile(`(?s)^DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=([^;]+); s=s1;\r\n\th=([^;]+);\r\n\tbh=([^;]+);\r\n\tb=(\S+)$`)
	fields := regexp.MustCompile(`(?s)[^\r\n].*?\r\n(?:[ \t].*?\r\n)*`)
	checked := 0
	each(t, func(t *testing.T, place string, m Message) {
		head, body, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
		all := fields.FindAllString(string(head)+"\r\n", -1)
		for _, f := range all {
			g := field.FindStringSubmatch(strings.TrimSuffix(f, "\r\n"))
			if g == nil {
				continue
			}
			checked++
			sum := sha256.Sum256(body)
			if got := base64.StdEncoding.EncodeToString(sum[:]); got != g[3] {
				t.Errorf("%s: body hash %s, want %s", place, got, g[3])
			}
			var input strings.Builder
			for name := range strings.SplitSeq(g[2], ":") {
				for _, h := range all {
					if strings.HasPrefix(strings.ToLower(h), name+":") {
						input.WriteString(h)
					}
				}
			}
			input.WriteString(strings.TrimSuffix(strings.TrimSuffix(f, "\r\n"), g[4]))
			signature, err := base64.StdEncoding.DecodeString(g[4])
			if err != nil {
				t.Error(err)
			}
			hashed := sha256.Sum256([]byte(input.String()))
			if !ed25519.Verify(DKIMKey(g[1]), hashed[:], signature) {
				t.Errorf("%s: the signature of %s does not hold", place, g[1])
			}
		}
	})
	if checked < 20 {
		t.Errorf("%d signatures", checked)
	}
}

func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Serve(ln)
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range Mailboxes() {
		c, err := imapclient.DialInsecure(s.Addr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Login(box.Address, Password).Wait(); err != nil {
			t.Fatal(err)
		}
		for _, folder := range box.Folders {
			data, err := c.Select(folder.Name, &imap.SelectOptions{ReadOnly: true}).Wait()
			if err != nil {
				t.Fatal(err)
			}
			if int(data.NumMessages) != len(folder.Messages) {
				t.Errorf("%s/%s: %d messages, want %d", box.Address, folder.Name, data.NumMessages, len(folder.Messages))
			}
			section := &imap.FetchItemBodySection{Peek: true}
			got, err := c.Fetch(imap.UIDSet{imap.UIDRange{Start: 1, Stop: 0}}, &imap.FetchOptions{
				UID: true, Flags: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range got {
				want := folder.Messages[i]
				if !bytes.Equal(m.FindBodySection(section), want.Raw) || !m.InternalDate.Equal(want.InternalDate) || int(m.UID) != i+1 || len(m.Flags) != len(want.Flags) {
					t.Errorf("%s/%s: message %d is not the one that was put there", box.Address, folder.Name, i+1)
				}
			}
		}
		if err := c.Logout().Wait(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	var d net.Dialer
	if c, err := d.DialContext(context.Background(), "tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("still answering after Close")
	}
}

func TestServeOnlyLoopback(t *testing.T) {
	if _, err := Serve(elsewhere{}); err == nil {
		t.Error("served on an address that others can reach")
	}
}

// elsewhere is a listener on an address that is not loopback.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

// TestSourceErrors holds that a mistake in the sources is named.
func TestSourceErrors(t *testing.T) {
	r := &reader{people: map[string]*person{"a": {key: "a", address: "a@x.example", via: "bot"}}, byID: map[string]*entry{}}
	for name, source := range map[string]string{
		"no writer":  "=== x 2023-01-01 10:00:00\nto: a\nsubject: s\n\nhello\n",
		"no such":    "=== x 2023-01-01 10:00:00\nfrom: b\nsubject: s\n\nhello\n",
		"bad time":   "=== x 2023-13-01 10:00:00\nfrom: a\nsubject: s\n\nhello\n",
		"bad field":  "=== x 2023-01-01 10:00:00\nform: a\nsubject: s\n\nhello\n",
		"no rows":    "=== template x\nfrom: a\nsubject: s\n\nhello\n",
		"incomplete": "=== x\nfrom: a\n\nhello\n",
	} {
		if err := r.stanza(split("test", source)[0]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestOwnWords reads every message and holds that no sentence is taken from what
// others wrote, and that most of what the author wrote is read: the sources know
// who wrote what, whatever the mail programs made of it.
func TestOwnWords(t *testing.T) {
	_, entries, err := parseSources(sources)
	if err != nil {
		t.Fatal(err)
	}
	squash := func(lines []string) string { return strings.Join(strings.Fields(strings.Join(lines, "\n")), " ") }
	for _, e := range entries {
		if e.via() == "bounce" {
			continue // its words are the mail system's
		}
		var own []string
		for _, l := range e.body {
			if !strings.HasPrefix(l, "> ") {
				own = append(own, l)
			}
		}
		// A signature that is read as a sentence is a blemish, not a wrong author.
		allowed := squash(own) + "\n" + squash(signature(e))
		read := 0
		for _, s := range statement.Read(message.Parse(compose(e))).Sentences {
			words := squash([]string{s.Text})
			if !strings.Contains(allowed, words) {
				t.Errorf("%s (%s): %q is not what its author wrote", e.id, e.via(), words)
			}
			read += len(words)
		}
		if whole := len(squash(own)); read*2 < whole && whole > 40 {
			t.Errorf("%s (%s): %d of %d characters are read", e.id, e.via(), read, whole)
		}
	}
}

func FuzzSources(f *testing.F) {
	for _, name := range []string{"mail/10-vienna.txt", "mail/60-notices.txt"} {
		text, err := sources.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:min(len(text), 2000)]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		nobody := &person{key: "martin", address: "a@x.example", via: "bot"}
		r := &reader{people: map[string]*person{"martin": nobody, "nora": nobody, "shop": nobody}, byID: map[string]*entry{}}
		for _, s := range split("fuzz", text) {
			if r.stanza(s) != nil {
				return
			}
		}
		if r.link() != nil {
			return
		}
		for _, e := range r.entries {
			if e.from == nil || e.date.IsZero() || r.byID[e.id] != e || (e.subject == "") != (e.fields["subject"] == "-") {
				t.Errorf("accepted message %q without what it needs", e.id)
			}
		}
	})
}
