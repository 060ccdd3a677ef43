package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labelled writes a text with the kind of each line before it: n, q, f, s or l.
func labelled(text string, zs []Zone) string {
	var b strings.Builder
	for _, z := range zs {
		for _, l := range strings.SplitAfter(text[z.Start:z.End], "\n") {
			if l != "" {
				fmt.Fprintf(&b, "%c %s", z.Kind[0], l)
			}
		}
	}
	return b.String()
}

// unlabel takes the kinds off again.
func unlabel(s string) string {
	var b strings.Builder
	for _, l := range strings.SplitAfter(s, "\n") {
		if len(l) > 2 {
			b.WriteString(l[2:])
		} else if l != "" {
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestZones(t *testing.T) {
	for _, tt := range []struct {
		name, want string // each line with its kind before it
		fwd        bool
	}{
		{"nothing but new", "n Hi Nora,\nn \nn Please book two rooms.\n", false},
		{"quotation at the bottom", "n Yes, please.\nn \nq On Tue, 14 Mar 2023 at 09:00, Nora Blake <nora@desk.example> wrote:\nq > Shall I book?\nq >\nq > Nora\n", false},
		{"wrapped attribution", "n Yes.\nn \nq On Tue, 14 Mar 2023 at 09:00, Nora Blake\nq <nora@desk.example> wrote:\nq \nq > Shall I book?\n", false},
		{"bracket of the attribution on the next line", "n Yes.\nq On Tue, 14 Mar 2023 at 09:00, Nora Blake <nora@desk.example\nq > wrote:\nq > Shall I book?\n", false},
		{"answers between", "n Hi,\nn see between the lines.\nq On 3 May 2023 Nora wrote:\nq > Two rooms?\nn No, three.\nq > Breakfast?\nn Yes.\n", false},
		{"marked with colons", "n I would not.\nn \nq : Date: Tue, 14 Mar 2023\nq : From: Nora Blake <nora@desk.example>\nq :\nq : Shall I book?\nq \nn Martin's opinion counts more.\n", false},
		{"marked with a letter", "n See below.\nq N>\nq N> Shall I book two rooms?\nn Yes.\n", false},
		{"a table is no quotation", "n | room | price |\nn | one | 40 |\nn | two | 60 |\n", false},
		{"broken again on the way", "n Fine.\nq > > > I suggest that the third room is used and that it is kept\nq for us\nq > > > all week.\n", false},
		{"a card of another name", "n The list is attached.\nn \ns Lou Dunmore\ns Manager of Rooms\ns Phone: 020 7946 0000\ns lou@dunmore.example\ns  - rooms.xls\n", false},
		{"somebody's address", "n Please write to this address:\nn \nn Lou Dunmore\nn 12 High Street\nn Phone: 020 7946 0000\nn lou@dunmore.example\n", false},
		{"a disclaimer right below the words", "n I would book it.\nl Notice: This email and any attachments are confidential and may not be used or\nl disclosed without consent. If received in error please destroy and notify us.\n", false},
		{"answer at the bottom", "q On 3 May 2023 Nora wrote:\nq > Two rooms?\nq \nn No, three rooms please.\n", false},
		{"German", "n Ja, gern.\nn \nq Am 14.03.2023 um 09:00 schrieb Nora Blake:\nq > Soll ich buchen?\n", false},
		{"French", "n Oui.\nq Le mar. 14 mars 2023 à 09:00, Nora Blake <nora@desk.example> a écrit :\nq > On réserve ?\n", false},
		{"Dutch", "n Ja.\nq Op di 14 mrt 2023 om 09:00 schreef Nora Blake <nora@desk.example>:\nq > Boeken?\n", false},
		{"Portuguese", "n Sim.\nq Em ter., 14 de mar. de 2023 às 09:00, Nora Blake <nora@desk.example> escreveu:\nq > Reservo?\n", false},
		{"attribution without marks", "n Yes.\nn \nq On 14 Mar 2023 at 09:00 Nora Blake <nora@desk.example> wrote:\nq \nq Shall I book?\n", false},
		{"somebody wrote is no attribution", "n On Monday I saw what he wrote:\nn the hotel is full.\n", false},
		{"Outlook", "n Fine with me.\nn \nq From: Nora Blake <nora@desk.example>\nq Sent: 14 March 2023 09:00\nq To: Martin Hale <martin@hale.example>\nq Subject: Rooms\nq \nq Shall I book?\nq \nq Best regards,\nq Nora\n", false},
		{"Outlook with rule", "n Fine with me.\nn \nq ________________________________\nq Von: Nora Blake\nq Gesendet: Dienstag, 14. März 2023 09:00\nq An: Martin Hale\nq Betreff: Zimmer\nq \nq Soll ich buchen?\n", false},
		{"original message", "n Fine.\nn \nq -----Original Message-----\nq From: Nora Blake\nq Sent: Tuesday\nq \nq Shall I book?\n", false},
		{"original message with marks, answer below", "q -----Original Message-----\nq From: Nora Blake\nq To: Martin Hale\nq Subject: Rooms\nq \nq > Shall I book?\nq \nn Yes, please do.\n", false},
		{"Lotus Notes", "n Done.\nn \nn \nq Nora Blake\nq 03/14/2023 09:00 AM\nq To: Martin Hale/HALE@HALE\nq cc: \nq Subject: Rooms\nq \nq Shall I book?\n", false},
		{"labels that are not a header", "n Here are the details.\nn To: the printer\nn Date: Friday\nn Price: 40\n", false},
		{"Gmail forward", "n FYI, please handle.\nn \nf ---------- Forwarded message ---------\nf From: Kim <kim@other.example>\nf Date: Tue, 14 Mar 2023\nf Subject: Quote\nf To: <martin@hale.example>\nf \nf Our price is 40.\n", true},
		{"Apple forward", "f Begin forwarded message:\nf \nf > From: Kim\nf > Subject: Quote\nf >\nf > Our price is 40.\n", true},
		{"Outlook forward by subject", "f From: Kim <kim@other.example>\nf Sent: 14 March 2023\nf To: Martin Hale\nf Subject: Quote\nf \nf Our price is 40.\n", true},
		{"forwarded by, wrapped", "n See below.\nn \nf ---------------------- Forwarded by Nora Blake/DESK on 03/14/2023\nf 09:00 AM ---------------------------\nf \nf Kim\nf 03/13/2023\n", false},
		{"signature delimiter", "n Done.\nn \ns -- \ns Marisa Oyelaran\ns Brightdesk VA | 020 7946 0000\n", false},
		{"closing formula and card", "n I will book it on Friday.\nn \ns Best,\ns Marisa Oyelaran\ns Brightdesk VA | 020 7946 0000\n", false},
		{"name alone", "n I will book it on Friday.\nn \ns Marisa\n", false},
		{"mobile", "n OK, book it.\nn \ns Sent from my iPhone\n", false},
		{"mobile above a quotation", "n OK, book it.\nn \ns Sent from my iPhone\ns \nq > On 14 Mar 2023, at 09:00, Nora <nora@desk.example> wrote:\nq >\nq > Shall I?\n", false},
		{"thanks for something", "n Thanks for the quick answer.\n", false},
		{"thanks alone", "n Thanks!\ns Marisa\n", false},
		{"postscript", "n I will book it.\nn \ns Best,\ns Marisa\ns \nn P.S. Bring the keys.\n", false},
		{"words below the name", "n Please check the price.\nn \nn Marisa\nn \nn I think the number is 17737\n", false},
		{"disclaimer", "n I will book it.\nn \ns Regards,\ns Marisa\ns \nl This e-mail is confidential and intended solely for the addressee. If you have\nl received it in error please delete it.\n", false},
		{"a confidential thing", "n Please keep the price confidential.\nn I sent the list in error, please delete it.\n", false},
		{"list footer", "n I tried it and it fails.\nn \nl _______________________________________________\nl users mailing list\nl http://lists.example/listinfo/users\n", false},
		{"a footer with terms is said", "n The proof is attached.\nn \nn Your print team\nn All prices plus VAT, see our conditions of sale.\n", false},
		{"capitals in a quotation", "n Answers in capitals below.\nn \nq -----Original Message-----\nq From: Nora Blake\nq Sent: Tuesday\nq Subject: Flyers\nq \nq Do you want 500?\nq \nn TAKE 5,000, IT IS ONLY A LITTLE MORE.\nn \nq Nora\n", false},
		{"wrapped quoted line", "q On 3 May 2023 Nora wrote:\nq > The committee has decided that the whole of the second floor should be booked\nq instead of the\nq > first.\nq \nn Noted.\n", false},
		{"GroupWise", "n Will do.\nn \nq >>> Nora Blake 14/03/23 09:00 >>>\nq Shall I book?\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := unlabel(tt.want)
			got := labelled(text, zones(text, nil, author{signers: []string{"marisa", "oyelaran"}}, tt.fwd))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHTML(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"paragraphs", "<p>One\n two.</p><p>Three.</p>", "One two.\n\nThree.\n"},
		{"divisions and breaks", "<div>a<br></div><div><br></div><div>b<br><br>c</div>", "a\n\nb\n\nc\n"},
		{"Outlook paragraphs", "<p class=MsoNormal>a<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>b</p>", "a\n\nb\n"},
		{"entities", "a&nbsp;&amp;&nbsp;b &lt;c&gt; &eacute;&#8364;", "a & b <c> é€\n"},
		{"inline elements join", "<b>bo</b>ld <i>and</i>\n<a href=x>link</a>.", "bold and link.\n"},
		{"list", "Two things:<ul><li>one<li><p>two</p></li><li>three<ol start=4><li>a</li><li>b</li></ol></li></ul>done", "Two things:\n- one\n- two\n- three\n  4. a\n  5. b\ndone\n"},
		{"table", "<table><tr><th>Item</th><th>Price</th></tr><tr><td><p>Room</p></td><td><p>40</p></td></tr></table>end", "Item\tPrice\nRoom\t40\nend\n"},
		{"table for layout", "<table><tr><td><p>One.</p><p>Two.</p></td><td>Three.</td></tr></table>", "One.\n\nTwo.\nThree.\n"},
		{"not shown", "<title>t</title><style>p{}</style><script>x()</script><div style='display: none'>pre<b>x</b></div><span style=\"font-size:0px\">y</span><!-- c --><p>shown</p>", "shown\n"},
		{"small but shown", "<span style='font-size:0.9em;opacity:0.5'>shown</span>", "shown\n"},
		{"quotation", "Yes.<blockquote type=cite><p>Shall I?</p><p>And now?</p><blockquote>deep</blockquote></blockquote>No.", "Yes.\n\n> Shall I?\n>\n> And now?\n>\n> > deep\nNo.\n"},
		{"indentation is no quotation", "<blockquote style=\"margin:0 0 0 40px;border:none;padding:0\">set in</blockquote>", "set in\n"},
		{"preformatted", "<pre>a\n  b\n</pre>c", "a\n  b\nc\n"},
		{"emoji image", "Good <img alt='🎉' src=x><img alt='logo' src=y> day", "Good 🎉 day\n"},
		{"lost end tags", "<p>a<p>b<div>c", "a\n\nb\nc\n"},
		{"plain", "only words", "only words\n"},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, says := htmlText(tt.in)
			hints := says.hints
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := strings.Count(got, "\n"); len(hints) != 0 && len(hints) != n {
				t.Errorf("%d hints for %d lines", len(hints), n)
			}
		})
	}
}

func TestHTMLZones(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"Gmail", `<div dir=ltr>Yes, <b>book</b> it.<br><span class=gmail_signature_prefix>-- </span><br><div class=gmail_signature>Martin</div></div><br><div class="gmail_quote gmail_quote_container"><div dir=ltr class=gmail_attr>On Tue, 14 Mar 2023 at 09:00, Nora &lt;<a href="mailto:n@d.example">n@d.example</a>&gt; wrote:<br></div><blockquote class=gmail_quote style="margin:0 0 0 .8ex">Shall I?</blockquote></div>`,
			"n Yes, book it.\ns --\ns Martin\ns \nq On Tue, 14 Mar 2023 at 09:00, Nora <n@d.example> wrote:\nq > Shall I?\n"},
		{"Gmail, answers between", `<div class=gmail_quote><div class=gmail_attr>On Tue, Nora wrote:<br></div><blockquote class=gmail_quote>Two rooms?</blockquote><div>Three.</div><blockquote class=gmail_quote>Breakfast?</blockquote><div>Yes.</div></div>`,
			"q On Tue, Nora wrote:\nq > Two rooms?\nn Three.\nq > Breakfast?\nn Yes.\n"},
		{"Outlook on the web", `<div>Fine.</div><div id=Signature>Martin Hale</div><hr><div id=divRplyFwdMsg><b>From:</b> Nora<br><b>Sent:</b> Tuesday<br></div><div>Shall I?</div>`,
			"n Fine.\ns Martin Hale\nq From: Nora\nq Sent: Tuesday\nq Shall I?\n"},
		{"Outlook desktop", `<p class=MsoNormal>Fine.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class=MsoNormal><b>From:</b> Nora &lt;n@d.example&gt;<br><b>Sent:</b> 14 March 2023<br><b>To:</b> Martin<br><b>Subject:</b> Rooms</p></div></div><p class=MsoNormal>Shall I?</p>`,
			"n Fine.\nq From: Nora <n@d.example>\nq Sent: 14 March 2023\nq To: Martin\nq Subject: Rooms\nq Shall I?\n"},
		{"Apple", `Fine.<br><div class=AppleMailSignature>Martin</div><div><br><blockquote type=cite><div>On 14 Mar 2023, at 09:00, Nora &lt;n@d.example&gt; wrote:</div><br><div>Shall I?</div></blockquote></div>`,
			"n Fine.\ns Martin\ns \nq > On 14 Mar 2023, at 09:00, Nora <n@d.example> wrote:\nq >\nq > Shall I?\n"},
		{"Yahoo", `<div>Fine.</div><div class=yahoo_quoted><div>On Tuesday, Nora wrote:</div><div>Shall I?</div></div>`,
			"n Fine.\nq On Tuesday, Nora wrote:\nq Shall I?\n"},
		{"Thunderbird", `<p>Fine.</p><div class=moz-cite-prefix>Nora wrote:</div><blockquote type=cite>Shall I?</blockquote><div class=moz-signature>Martin</div>`,
			"n Fine.\nn \nq Nora wrote:\nq > Shall I?\ns Martin\n"},
		{"Yahoo with its prefix", `<div>Fine.</div><div class="ydp3f9a1eyahoo_quoted"><div>On Tuesday, Nora wrote:</div><div>Shall I?</div></div>`,
			"n Fine.\nq On Tuesday, Nora wrote:\nq Shall I?\n"},
		{"GMX", `<div>Gut.</div><div name="quote" style="border-left:2px solid #C3D9E5"><div>Gesendet: Dienstag<br>Von: Nora</div><div>Soll ich?</div></div>`,
			"n Gut.\nq Gesendet: Dienstag\nq Von: Nora\nq Soll ich?\n"},
		{"Spark", `<div name="messageBodySection">Fine.</div><div name="messageSignatureSection">Martin</div><div name="messageReplySection">On Tuesday Nora wrote:<br>Shall I?</div>`,
			"n Fine.\ns Martin\nq On Tuesday Nora wrote:\nq Shall I?\n"},
		{"Roundcube", `<p>Fine.</p><p id="reply-intro">Nora, Tuesday:</p><blockquote type="cite"><p>Shall I?</p></blockquote>`,
			"n Fine.\nn \nq Nora, Tuesday:\nq \nq > Shall I?\n"},
		{"Zimbra", `<div>Fine.</div><hr data-marker="__DIVIDER__"><div><b>From:</b> Nora<br></div><div>Shall I?</div>`,
			"n Fine.\nq From: Nora\nq Shall I?\n"},
		{"Lotus Notes", `<font>Fine.</font><br><br><font>From: </font><font>Nora Blake/DESK</font><br><font>To: </font><font>Martin Hale/HALE@HALE</font><br><font>Date: </font><font>14-03-2023 09:00</font><br><font>Subject: </font><font>Rooms</font><br><hr noshade><br><font>Shall I?</font>`,
			"n Fine.\nn \nq From: Nora Blake/DESK\nq To: Martin Hale/HALE@HALE\nq Date: 14-03-2023 09:00\nq Subject: Rooms\nq \nq Shall I?\n"},
		{"Outlook, Spanish", `<p class=MsoNormal>Bien.</p><div style="border:none;border-top:solid #B5C4DF 1.0pt"><p class=MsoNormal><b>De:</b> Nora &lt;n@d.example&gt;<br><b>Enviado el:</b> martes, 14 de marzo de 2023 9:00<br><b>Para:</b> Martin<br><b>Asunto:</b> Sala</p></div><p class=MsoNormal>¿Reservo?</p>`,
			"n Bien.\nq De: Nora <n@d.example>\nq Enviado el: martes, 14 de marzo de 2023 9:00\nq Para: Martin\nq Asunto: Sala\nq ¿Reservo?\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Parse([]byte("From: Someone Else <x@y.example>\nContent-Type: text/html; charset=utf-8\n\n" + tt.in))
			if !m.FromHTML {
				t.Error("FromHTML is false")
			}
			if diff := cmp.Diff(tt.want, labelled(m.Text, m.Zones)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPhraseSet(t *testing.T) {
	s := newPhraseSet([]string{"he", "she", "his", "hers", "in error", "ü"})
	got := s.hits(nil, "uSHErs in \n error üh", 100)
	want := []hit{{103, 1}, {103, 0}, {105, 3}, {116, 4}, {119, 5}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hit{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCodePoints(t *testing.T) {
	const s = "aé😀b"
	for offset, want := range map[int]int{-1: 0, 0: 0, 1: 1, 3: 2, 7: 3, 8: 4, 99: 4} {
		if got := CodePoints(s, offset); got != want {
			t.Errorf("CodePoints(%q, %d) = %d, want %d", s, offset, got, want)
		}
	}
}

func FuzzZones(f *testing.F) {
	f.Add("Hi\n> a\n-- \nAnn\n", false)
	f.Add("From: a\nSent: b\nTo: c\nSubject: d\n\ne", true)
	f.Fuzz(func(t *testing.T, text string, fwd bool) {
		if len(text) > MaxText {
			t.Skip("longer than any text that is read")
		}
		at := 0
		for i, z := range zones(text, nil, author{signers: []string{"ann", "example"}}, fwd) {
			if z.Start != at || z.End <= z.Start || z.Start > 0 && text[z.Start-1] != '\n' {
				t.Fatalf("zone %d is %+v after %d in %q", i, z, at, text)
			}
			at = z.End
		}
		if at != len(text) {
			t.Fatalf("zones end at %d of %d in %q", at, len(text), text)
		}
	})
}

func FuzzHTML(f *testing.F) {
	f.Add("<p>a<br>b</p><blockquote type=cite><ul><li>c</ul></blockquote><table><tr><td>d<td>e</table>")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		got, says := htmlText(s)
		hints := says.hints
		if n := strings.Count(got, "\n"); len(hints) != 0 && len(hints) != n {
			t.Fatalf("%d hints for %d lines of %q from %q", len(hints), n, got, s)
		}
		for _, l := range strings.Split(got, "\n") {
			if strings.HasSuffix(l, " ") || strings.HasSuffix(l, "\t") {
				t.Fatalf("white space ends a line of %q from %q", got, s)
			}
		}
	})
}
