package bundle

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"inwriting/indexer/message"
	"inwriting/search/trail"
)

// tables writes what of the payload is tables and documents for programs.
func (b *bag) tables() error {
	if len(b.outside) > 0 {
		if err := b.add(outsideTable, b.outsideRows()); err != nil {
			return err
		}
	}
	page, err := b.page(b.view())
	if err != nil {
		return err
	}
	threads, population := b.threads()
	for _, f := range []struct {
		path string
		data []byte
	}{
		{"data/chronology.csv", b.chronology()},
		{"data/exhibits.csv", b.exhibitTable()},
		{"data/chronology.html", page},
		{"data/threads.csv", threads},
		{"data/population.csv", population},
		{"data/withheld.csv", b.withheldRows()},
	} {
		if err := b.add(f.path, f.data); err != nil {
			return err
		}
	}
	if b.hasCertificates() {
		if err := b.add("data/agreed-chronology.csv", b.agreed()); err != nil {
			return err
		}
		if err := b.add("data/scott-schedule.csv", b.scott()); err != nil {
			return err
		}
	}
	if b.hasDark() {
		if err := b.add("data/attachments-withheld.csv", b.darkRows()); err != nil {
			return err
		}
	}
	if b.in.Profile == "solicitor" {
		if err := b.add("data/loadfile.dat", b.loadFile()); err != nil {
			return err
		}
	}
	if err := b.addJSON("data/coverage.json", b.coverage()); err != nil {
		return err
	}
	return b.addJSON("data/trail.json", b.in.Trail)
}

var chronologyColumns = []string{"row", "when_utc", "when_local", "tz", "who", "address", "role", "kind", "quote", "exhibit", "page",
	"text_sha256", "start", "end", "links", "facts", "by", "confirmed_by", "confirmed_at", "note"}

func (b *bag) chronology() []byte {
	var t table
	t.row(chronologyColumns...)
	for _, e := range b.in.Trail.Entries {
		s := e.Statement
		x := b.byRef[s.Message.Ref]
		var links, facts, rules []string
		for _, l := range e.Links {
			links = append(links, fmt.Sprintf("%s %d", l.Rel, l.N))
		}
		for _, f := range s.Facts {
			if f.Value != "" {
				facts = append(facts, plain(fmt.Sprintf("%s: %s", f.Type, f.Value)))
			}
		}
		for _, w := range s.Why {
			rules = append(rules, w.Rule)
		}
		by, who, at, note := strings.Join(rules, " "), "", "", ""
		if c := s.Corrected; c != nil {
			who, at, note = plain(c.By), utc(c.At), plain(strings.TrimSpace("read as "+string(c.Was)+" by the program. "+c.Note))
		}
		t.row(strconv.Itoa(e.N), utc(s.Message.Date), local(s.Message.Date), offset(s.Message.Date), plain(s.Speaker.Name), plain(s.Speaker.Address), string(s.Speaker.Role),
			string(s.Kind), s.Quote, x.name, strconv.Itoa(b.pageOf(e.N, x)), hex.EncodeToString(x.textSum[:]), strconv.Itoa(s.Start), strconv.Itoa(s.End),
			strings.Join(links, "; "), strings.Join(facts, "; "), by, who, at, note)
	}
	return []byte(t.b.String())
}

// pageOf is the page of the PDF on which statement n stands in its message.
func (b *bag) pageOf(n int, x *exhibit) int {
	if p := b.pages[fmt.Sprintf("q%d", n)]; p > 0 {
		return p
	}
	return x.first
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func offset(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("-07:00")
}

func addressList(list []message.Address) string {
	var out []string
	for _, a := range list {
		out = append(out, address(a))
	}
	return strings.Join(out, "; ")
}

func address(a message.Address) string {
	if a.Name == "" {
		return plain(a.Address)
	}
	return plain(a.Name + " <" + a.Address + ">")
}

var exhibitColumns = []string{"exhibit", "first_page", "last_page", "sha256", "size", "md5", "message_id", "in_reply_to", "references", "thread",
	"from", "to", "cc", "bcc", "subject", "date_header", "date_utc", "date_local", "tz_offset", "date_note", "internaldate", "first_collected", "collect_lag",
	"mailbox", "folder", "uidvalidity", "uid", "direction", "dkim", "auth_results", "gone_from_server", "variants", "places", "attachments", "has_html", "html_says_more", "hidden_text",
	"quoted_share", "ledger_index", "entry_sha256", "text_sha256", "redacted", "converted", "stand_in"}

func (b *bag) exhibitTable() []byte {
	var t table
	t.row(exhibitColumns...)
	threads := b.threadNames()
	for _, x := range b.exhibits {
		var mailbox, folder, uid, gone string
		if o := x.Info.Occurrences; len(o) > 0 {
			mailbox, folder, uid, gone = o[0].Mailbox, o[0].Folder, fmt.Sprint(o[0].UID), fmt.Sprint(o[0].Gone)
		}
		sum, dig := x.Ref.Hex(), x.md5
		if x.redacted {
			dig = "" // of the octets, which are not here
		}
		t.row(x.name, strconv.Itoa(x.first), strconv.Itoa(x.last), sum, strconv.FormatInt(x.size, 10), dig, plain(x.m.MessageID), plain(strings.Join(x.m.InReplyTo, " ")),
			plain(strings.Join(x.m.References, " ")), threads[x.Ref], addressList(x.m.From), addressList(x.m.To), addressList(x.m.Cc), addressList(x.m.Bcc), plain(x.m.Subject),
			plain(x.m.DateRaw), utc(x.Info.Date), local(x.Info.Date), offset(x.Info.Date), x.dateNote(), plain(x.seen.InternalDate), utc(x.logged), x.lag(), plain(mailbox),
			plain(folder), fmt.Sprint(x.seen.UIDValidity), uid, b.direction(x.Info.From, append(slices.Clone(x.Info.To), bareList(x.m.Cc)...)), x.dkim(), x.stated(), gone,
			strings.Join(b.variants(x), " "), strconv.Itoa(len(x.Info.Occurrences)), strconv.Itoa(len(x.files)), fmt.Sprint(x.html), plain(b.hide(clip(strings.Join(x.other.more, " "), 200))), plain(b.hide(clip(strings.Join(x.other.hidden, " · "), 500))), x.quotedShare(),
			strconv.FormatInt(x.LedgerIndex, 10), hexOf(x.Line), hex.EncodeToString(x.textSum[:]), fmt.Sprint(x.redacted), x.converted, fmt.Sprint(x.seen.StandIn))
	}
	return []byte(t.b.String())
}

func bareList(list []message.Address) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Address)
	}
	return out
}

// internal is when the server received the message.
func (x *exhibit) internal() time.Time {
	t, _ := time.Parse(time.RFC3339, x.seen.InternalDate)
	return t
}

// lag is the time from receipt to collection: a message that lay in the mailbox for
// years before it was first collected could have been put there later.
func (x *exhibit) lag() string {
	t := x.internal()
	if t.IsZero() || x.logged.IsZero() {
		return ""
	}
	return x.logged.Sub(t).Truncate(time.Second).String()
}

// dateNote says where the author's date and the server's do not agree.
func (x *exhibit) dateNote() string {
	at := x.internal()
	switch {
	case x.m.Date.IsZero():
		return "no readable Date field; the server's date is used"
	case at.IsZero():
		return ""
	}
	if d := at.Sub(x.m.Date); d > 10*time.Minute || d < -10*time.Minute {
		return "Date field and server's date differ by " + d.Truncate(time.Second).String()
	}
	return ""
}

// dkim is what was found of the message's signatures at arrival.
func (x *exhibit) dkim() string {
	if x.Auth == nil {
		return "not recorded"
	}
	var out []string
	for _, s := range x.Auth.Signatures {
		out = append(out, fmt.Sprintf("%s d=%s s=%s covers %s", s.State, s.Domain, s.Selector, s.Headers))
	}
	if len(out) == 0 {
		out = append(out, strings.TrimSuffix(x.Auth.State+": "+x.Auth.Why, ": "))
	}
	return plain(strings.Join(out, "; "))
}

// stated is what the receiving server says of it, which is no check of ours.
func (x *exhibit) stated() string {
	if x.Auth != nil && x.Auth.Stated != "" {
		return plain(x.Auth.AuthServ + ": " + x.Auth.Stated)
	}
	return plain(field(x.head, "Authentication-Results"))
}

// quotedShare is how much of the text is history, in per cent.
func (x *exhibit) quotedShare() string {
	var quoted int
	for _, z := range x.m.Zones {
		if z.Kind == message.Quoted {
			quoted += z.End - z.Start
		}
	}
	if len(x.Text) == 0 {
		return "0"
	}
	return strconv.Itoa(quoted * 100 / len(x.Text))
}

// variants are exhibits with the same Message-ID and other octets.
func (b *bag) variants(x *exhibit) []string {
	var out []string
	for _, o := range b.exhibits {
		if o != x && x.m.MessageID != "" && o.m.MessageID == x.m.MessageID {
			out = append(out, o.name)
		}
	}
	return out
}

func (b *bag) withheldRows() []byte {
	var t table
	t.row("ref", "date", "direction", "code", "basis")
	for _, w := range b.withheld {
		t.row(w.Ref.Hex(), utc(w.date), w.dir, w.Code, plain(b.hide(w.Basis)))
	}
	return []byte(t.b.String())
}

// coverage is coverage.json: what was searched, and what cannot be seen.
func (b *bag) coverage() any {
	type cover struct {
		trail.Coverage
		AsOf       string    `json:"as_of"`
		Window     string    `json:"window,omitempty"`
		Anchored   int64     `json:"anchored_entries"`   // under the newest time stamp in this bundle
		Unanchored int64     `json:"unanchored_entries"` // not under a time stamp of others
		Accounts   []Account `json:"accounts"`
		Skews      []Skew    `json:"clock_skew"`
		NotCovered []string  `json:"not_covered"`
		Totals     struct {
			Stored   int `json:"stored"`
			Gone     int `json:"gone_from_server"`
			Excluded int `json:"excluded_folders"`
		} `json:"totals"`
	}
	c := cover{Coverage: b.in.Trail.Coverage, AsOf: utc(b.time), Window: b.in.Window, Accounts: b.in.Accounts, Skews: b.in.Skews,
		NotCovered: []string{"telephone calls", "meetings", "text messages", "chat (WhatsApp, Slack, Teams and others)", "paper", "mailboxes that are not listed", "mail deleted before it was first collected"}}
	if c.Accounts == nil {
		c.Accounts = []Account{}
	}
	if c.Skews == nil {
		c.Skews = []Skew{}
	}
	for _, a := range b.in.Anchors {
		c.Anchored = max(c.Anchored, a.Size)
	}
	c.Unanchored = b.cp.Size - c.Anchored
	for _, m := range c.Mailboxes {
		for _, f := range m.Folders {
			c.Totals.Stored += f.Stored
			c.Totals.Gone += f.Gone
			if f.Excluded {
				c.Totals.Excluded++
			}
		}
	}
	return c
}

// loadColumns are the fields of the load file, in Concordance's usual names.
var loadColumns = []string{"BEGDOC", "ENDDOC", "BEGATTACH", "ENDATTACH", "CUSTODIAN", "FROM", "TO", "CC", "BCC", "SUBJECT", "DATESENT", "TIMESENT", "TIMEZONE", "DATERCVD",
	"MESSAGEID", "INREPLYTO", "THREADID", "ATTACHCOUNT", "MD5HASH", "SHA256HASH", "EDRMMIH", "NATIVELINK", "TEXTLINK"}

// loadFile is the list in the form that review programs read (Concordance DAT): fields
// between thorns, U+0014 between them, UTF-8 with a mark, a line end as U+00AE.
// EDRMMIH stays empty: how its input is to be written was not verified.
func (b *bag) loadFile() []byte {
	var s strings.Builder
	s.WriteString("\uFEFF")
	row := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				s.WriteByte(0x14)
			}
			s.WriteString("þ" + strings.NewReplacer("\r\n", "®", "\n", "®", "þ", "", "\x14", "").Replace(c) + "þ")
		}
		s.WriteString("\r\n")
	}
	row(loadColumns)
	threads := b.threadNames()
	control := func(page int) string { return fmt.Sprintf("INW%06d", page) }
	for _, x := range b.exhibits {
		var custodian, day, clock, zone, received, native string
		if o := x.Info.Occurrences; len(o) > 0 {
			custodian = plain(o[0].Mailbox)
		}
		if d := x.Info.Date; !d.IsZero() {
			day, clock, zone = d.Format("2006-01-02"), d.Format("15:04:05"), d.Format("-07:00")
		}
		if t := x.internal(); !t.IsZero() {
			received = t.Format(time.RFC3339)
		}
		if !x.redacted {
			native = "data/eml/" + x.name + ".eml"
		}
		md := x.md5
		if x.redacted {
			md = ""
		}
		row([]string{control(x.first), control(x.last), control(x.first), control(x.last), custodian, addressList(x.m.From), addressList(x.m.To), addressList(x.m.Cc),
			addressList(x.m.Bcc), plain(x.m.Subject), day, clock, zone, received, plain(x.m.MessageID), plain(strings.Join(x.m.InReplyTo, " ")), threads[x.Ref],
			strconv.Itoa(len(x.files)), md, x.Ref.Hex(), "", native, "data/text/" + x.name + ".txt"})
	}
	return []byte(s.String())
}
