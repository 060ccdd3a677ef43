package bundle

import (
	"fmt"
	"strings"
	"time"

	"inwriting/search/bundle/pdf"
)

// What stands behind the messages: lists, the thread map, and drafts of certificates.

func (p *printer) withheld() {
	if len(p.b.withheld) == 0 {
		return
	}
	p.section("Withheld", 60)
	about := para(quiet, pdf.Span{Text: "These messages belong to the exchange and are not in this bundle. Nothing of what they say is told."})
	about.After = 4
	p.d.Add(about)
	widths := []float64{92, 50, 0, 128}
	p.d.Begin("Table", tableRow(widths, true, headings("Date", "Direction", "Why", "SHA-256")...))
	for _, w := range p.b.withheld {
		why := Codes[w.Code]
		if b := plain(p.b.hide(w.Basis)); b != "" {
			why += ": " + b
		}
		c := cells(moment(w.date), w.dir, w.Code+", "+why)
		p.d.Add(tableRow(widths, false, append(c, para(code, pdf.Span{Text: w.Ref.Hex()}))...))
	}
	p.d.End()
	p.d.End()
}

func (p *printer) hasThreads() bool { return p.b.in.Profile != "client" && len(p.b.exhibits) > 0 }

// threads prints the map: which messages hang together, and which are missing.
func (p *printer) threads() {
	if !p.hasThreads() {
		return
	}
	p.section("Thread map", 60)
	about := para(quiet, pdf.Span{Text: "● in this bundle   ○ kept, not in this bundle   − referred to and not kept. Indented below what it answers. data/threads.csv has the same with hashes."})
	about.After = 5
	p.d.Add(about)
	gone := map[string]string{}
	for _, w := range p.b.withheld {
		gone[w.Ref.Hex()] = ", withheld: " + w.Code
	}
	lines := 0
	var walk func(n *node, depth int)
	walk = func(n *node, depth int) {
		if lines++; lines > 2000 {
			return
		}
		var spans []pdf.Span
		switch {
		case n.x != nil:
			spans = []pdf.Span{{Text: "●  "}, {Text: n.x.name, Link: n.x.name, Style: heading}, {Text: "  " + moment(n.date) + "  "}, own(clip(plain(n.x.Info.From), 60))}
			if n.parent != nil && n.parent.x != nil {
				added, dropped := changed(n.parent, n)
				if added != "" {
					spans = append(spans, pdf.Span{Text: "  added "}, own(clip(plain(p.b.hide(added)), 80)))
				}
				if dropped != "" {
					spans = append(spans, pdf.Span{Text: "  dropped "}, own(clip(plain(p.b.hide(dropped)), 80)))
				}
			}
			spans = append(spans, pdf.Span{Text: "  p.\u00a0"}, page(n.x.name, heading))
		case len(n.refs) == 0 && n.date.IsZero() && n.from == "":
			spans = []pdf.Span{{Text: "−  referred to, not kept  "}, own(clip(plain(p.b.hide(n.id)), 100))}
		default:
			spans = []pdf.Span{{Text: "○  " + moment(n.date) + gone[n.ref.Hex()]}}
		}
		l := para(small, spans...)
		p.d.Add(&pdf.Group{Pad: [4]float64{0.5, 0, 0.5, float64(min(depth, 12)) * 12}, Blocks: []pdf.Block{l}})
		for _, k := range n.kids {
			walk(k, depth+1)
		}
	}
	all := p.b.nodes()
	for _, n := range all {
		if n.parent == nil && exhibited(n) {
			h := para(heading, pdf.Span{Text: "Thread " + n.thread})
			h.Before, h.After, h.Keep = 6, 1, 24
			p.d.Add(h)
			walk(n, 0)
		}
	}
	p.d.End()
}

// exhibited tells whether a thread holds an exhibit.
func exhibited(n *node) bool {
	if n.x != nil {
		return true
	}
	for _, k := range n.kids {
		if exhibited(k) {
			return true
		}
	}
	return false
}

// blank is a line for a person to write on.
func blank(label string) pdf.Block {
	return &pdf.Row{Gap: 8, Before: 12, Rule: line2, Cols: []pdf.Col{col(150, para(quiet, pdf.Span{Text: label})), col(0)}}
}

// insured is the page that an insurer asks for first: what was notified, and when.
func (p *printer) insured() {
	if p.b.in.Profile != "insurer" {
		return
	}
	p.section("For the insurer", 160)
	p.d.Add(para(text, pdf.Span{Text: "Made for your insurer. Do not send it to the other side before your insurer agrees. It admits nothing and states no opinion on liability."}))
	if e := p.b.claim(); e != nil {
		x := p.b.byRef[e.Statement.Message.Ref]
		c := para(words, pdf.Span{Text: "“"}, own(visible(e.Statement.Quote, "\n\t")), pdf.Span{Text: "”"})
		c.Before = 8
		who := plain(e.Statement.Speaker.Name)
		if who == "" {
			who = plain(e.Statement.Speaker.Address)
		}
		p.d.Add(&pdf.Group{Blocks: []pdf.Block{c, para(quiet, pdf.Span{Text: "The claim: "}, own(who), pdf.Span{Text: ", " + moment(e.Statement.Message.Date) + ", " + x.name + ", p.\u00a0"}, page(x.name, quiet))}})
	} else {
		p.d.Add(para(text, pdf.Span{Text: "No claim by the other side was found in the mail."}))
	}
	for _, l := range []string{"Policy number", "Period of insurance", "First aware of a claim on", "Notified to the insurer on", "By whom and how"} {
		p.d.Add(blank(l))
	}
	p.d.End()
}

func (b *bag) hasCertificates() bool { return b.in.Profile != "client" && b.in.Profile != "insurer" }

// certificates are drafts. A person reads, corrects and signs them, or does not.
func (p *printer) certificates() {
	if !p.b.hasCertificates() {
		return
	}
	p.d.NewPage()
	p.section("Certificates, as drafts", 120)
	note := para(styled(text, amber), pdf.Span{Text: "Drafts, made by a program. Nobody has signed them. Read every sentence, strike what you do not know to be true, complete the blanks, have it checked by whoever advises you, then sign and date. This is not legal advice."})
	note.After = 8
	p.d.Add(note)
	switch p.b.in.Profile {
	case "court-us":
		p.certificateUS()
	default:
		p.certificateUK()
	}
	p.toolStatement()
	p.d.End()
}

func (p *printer) form(title string, paragraphs ...string) {
	h := para(strong, pdf.Span{Text: title})
	h.Tag, h.Before, h.After, h.Keep, h.Bookmark, h.Level = "H3", 10, 4, 60, title, 1
	p.d.Add(h)
	for _, s := range paragraphs {
		t := para(text, pdf.Span{Text: s})
		t.After = 5
		p.d.Add(t)
	}
}

const gapLine = "……………………………………"

func (p *printer) exhibitRange() string {
	if n := len(p.b.exhibits); n > 0 {
		return fmt.Sprintf("E0001 to E%04d", n)
	}
	return "(none)"
}

func (p *printer) certificateUK() {
	p.form("Draft: certificate of records, Civil Evidence Act 1995, sections 8 and 9",
		"I, "+gapLine+", am "+gapLine+" (position) of "+gapLine+" (the business) and a responsible person for its records.",
		"The documents numbered "+p.exhibitRange()+", listed under The documents with their pages, form part of the records of the business: its e-mail correspondence, kept in the ordinary course of its work.",
		fmt.Sprintf("The copies were made as follows. A program (inwriting %s) signs in to the mailboxes named under What this was drawn from, reads the messages without changing them, keeps the octets of each message as the server gave them, and records their SHA-256 in a ledger to which entries are only added. The pages were printed from those octets. The octets themselves are in data/eml and can be compared with the hashes on each page.", p.b.in.Version))
	for _, l := range []string{"Signed", "Name and position", "Date"} {
		p.d.Add(blank(l))
	}
	p.form("Draft: statement of truth, if a witness statement is needed",
		"Take the wording, including the sentence on contempt of court, from the current Practice Direction 22. It is left out here because this program cannot know the text in force.")
}

func (p *printer) certificateUS() {
	cp := p.b.in.Trail.Coverage.Checkpoint
	stamped := "No time stamp of a third party covers this checkpoint."
	for _, a := range p.b.in.Anchors {
		stamped = fmt.Sprintf("A checkpoint of its first %d entries carries a time stamp (RFC 3161) of %s, %s.", a.Size, a.Authority, moment(a.GenTime.UTC()))
	}
	p.form("Draft: certification under Fed. R. Evid. 902(11), 902(13) and 902(14) (902(12) if signed abroad)",
		"1. I, "+gapLine+", am "+gapLine+". I am qualified to make this certification because "+gapLine+".",
		fmt.Sprintf("2. The business uses a program, inwriting %s, which at regular intervals signs in to the mailboxes listed in this bundle over IMAP, read-only, keeps the octets of every message as the server gave them, and records at that time the SHA-256 of each with its account, folder, UIDVALIDITY and UID. This is a regular practice of the business.", p.b.in.Version),
		"3. The messages numbered "+p.exhibitRange()+" are such records. For each, the index annexed (data/exhibits.csv) names the source, the time of collection and the SHA-256 recorded at collection.",
		"4. On "+gapLine+" (date) I computed the SHA-256 of each file in data/eml anew, with "+gapLine+" (program). Each was identical to the one recorded at collection.",
		fmt.Sprintf("5. The records lie in the ledger %s, of %d entries, root %s. %s", plain(cp.Origin), cp.Size, cp.Root, stamped),
		"6. Known limits: the record shows what the mailboxes held when they were read, not who was at the keyboard, nor that no other messages exist. Mail deleted before it was first read is not in it.",
		"7. This certification and the records are made available to the adverse party with reasonable written notice before trial, so that the party has a fair opportunity to challenge them.",
		"Within the United States: I declare under penalty of perjury that the foregoing is true and correct. Executed on (date).",
		"Outside the United States: I declare under penalty of perjury under the laws of the United States of America that the foregoing is true and correct. Executed on (date). (28 U.S.C. 1746)")
	for _, l := range []string{"Signed", "Name and position", "Date and place"} {
		p.d.Add(blank(l))
	}
}

// toolStatement says what software did and did not do.
func (p *printer) toolStatement() {
	p.form("What the program did and did not do",
		"It copied, hashed, ordered and printed messages, found replies to each other, and suggested a kind and values for each statement from its words alone. It did not decide what is relevant beyond the question that a person asked, nor what anybody meant. The kinds and findings are an aid to finding; a person who relies on one must read the message.",
		"Its source is open, so that the method can be examined. The same record, question and version give the same bytes again.",
		"Made "+p.b.time.Format(time.DateOnly)+" with inwriting "+strings.TrimSpace(p.b.in.Version)+".")
}
