package statement

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/message"
)

// factsOf lists "type value" of every fact of the text, in order, with "?" and
// the other readings, "!" for a weekday that disagrees, "<" for a deadline.
func factsOf(m *message.Message) []string {
	r := &reader{m: m, model: &Model{}}
	r.facts.reset(m)
	var out []string
	for _, s := range sentences(m) {
		toks := r.scan.scan(nil, m.Text, s.start, s.end)
		for _, f := range r.facts.read(nil, toks) {
			v := string(f.Type) + " " + f.Value
			for _, a := range f.Alternatives {
				v += " ?" + a
			}
			if f.Mismatch {
				v += " !"
			}
			if f.Deadline {
				v += " <"
			}
			out = append(out, v)
		}
	}
	return out
}

func TestFacts(t *testing.T) {
	london := time.Date(2023, 3, 1, 9, 30, 0, 0, time.UTC) // a Wednesday
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Book it for 14 March.", []string{"date 2023-03-14"}},
		{"Send it by Friday 17 March at 10am, please.", []string{"datetime 2023-03-17T10:00 <"}},
		{"Send it by Friday 18 March.", []string{"date 2023-03-18 ! <"}},
		{"See you tomorrow at 4.", []string{"datetime 2023-03-02T16:00"}},
		{"It must be there by 6pm tomorrow.", []string{"datetime 2023-03-02T18:00 <"}},
		{"noon on Friday 10 March", []string{"datetime 2023-03-10T12:00"}},
		{"I need it for 9am Monday.", []string{"datetime 2023-03-06T09:00"}},
		{"Nothing arrived on Friday.", []string{"date 2023-02-24"}},
		{"I will ring them on Friday.", []string{"date 2023-03-03"}},
		{"Can we meet next Friday?", []string{"date 2023-03-10 ?2023-03-03"}},
		{"Back on Saturday the 18th please.", []string{"date 2023-03-18"}},
		{"They pay me on the 14th.", []string{"date 2023-03-14 ?2023-02-14"}},
		{"It did arrive on the 8th and I overlooked it.", []string{"date 2023-02-08"}},
		{"We hold it from Thursday 6 to Sunday 9 April.", []string{"date 2023-04-06", "date 2023-04-09"}},
		{"Valid from 2023-03-14 to 2023-03-20.", []string{"date 2023-03-14", "date 2023-03-20"}},
		{"It was invoiced on 3/4.", []string{"date 2023-04-03 ?2023-03-04"}},
		{"Dates: 25/3 and 3/4.", []string{"date 2023-03-25", "date 2023-04-03"}},
		{"Come on Tue 3/14.", []string{"date 2023-03-14"}},
		{"Due 15 January 2024, not 15 January.", []string{"date 2024-01-15 <", "date 2023-01-15"}},
		{"The other half follows by the end of April.", []string{"date 2023-04-30 <"}},
		{"The talk moved to Thursday but was to be on the Wednesday; it is on Friday 17 March.", []string{"date 2023-03-02", "date 2023-03-15", "date 2023-03-17"}},
		{"Recorded at 16:00 and again at noon.", []string{"time 16:00", "time 12:00"}},
		{"You may 5 times, march on.", []string{"quantity 5 times"}},
		{"The price is £1,200.50, not 2k euros or EUR 1.200,50.", []string{"money GBP 1200.50", "money EUR 2000.00", "money EUR 1200.50"}},
		{"£35 an hour for 24.5 hours.", []string{"money GBP 35.00", "duration 24.5 hours"}},
		{"It takes 18 to 20 hours, payable within 14 days.", []string{"duration 18 hours", "duration 20 hours", "duration 14 days"}},
		{"$95 a head, and 1.100 euro more.", []string{"money USD 95.00", "money EUR 1100.00"}},
		{"It was 489 kr, not kr 1.200 or NOK 3,50.", []string{"money NOK 489.00", "money NOK 1200.00", "money NOK 3.50"}},
		{"It costs kr. 489 here.", []string{"money NOK 489.00"}},
		{"30.8% of it, 5 per cent more, 25 MW, 1GB, -15 dBm and 45,000/day.", []string{"quantity 30.8%", "quantity 5%", "quantity 25 MW", "quantity 1 GB", "quantity -15 dBm", "quantity 45000 per day"}},
		{"Two or three rooms, a couple of beds, a 2x6 post, the 2002 numbers, host 192.168.30.30.", nil},
		{"We ordered 85 dinners and were given 72.", []string{"quantity 85 dinners", "quantity 72 dinners"}},
		{"Here are four of the six files, all six follow; nine of them are long.", []string{"quantity 4 files", "quantity 6 files", "quantity 9 files"}},
		{"Final number is 72, of which nine vegan.", []string{"quantity 72 people"}},
		{"Give me half an hour for half a year of slips.", []string{"duration 30 minutes", "duration 6 months"}},
		{"Find me something to Oslo Tue 14th, back Weds night.", []string{"date 2023-03-14", "date 2023-03-15 ?2023-03-08"}},
		{"I've got him on the train on Friday.", []string{"date 2023-03-03"}},
		{"EUR 489,- and 20,- euro.", []string{"money EUR 489.00", "money EUR 20.00"}},
		{"Gas at $3.145 and £1.005.", []string{"money USD 3.145", "money GBP 1.005"}},
		{"15,000 people, 14 double rooms, two nights, one seat and both invoices.", []string{"quantity 15000 people", "quantity 14 rooms", "quantity 2 nights", "quantity 1 seat", "quantity 2 invoices"}},
		{"Invoice JF-118 and order 77120 are open.", []string{"reference JF-118", "reference 77120"}},
		{"Booking KX7P2L, flyers A5, chapter 12, 10am, option 2.", []string{"reference KX7P2L", "time 10:00"}},
		{"Blocked tomorrow from 2:00 until 3:00.", []string{"datetime 2023-03-02T14:00 ?2023-03-02T02:00", "datetime 2023-03-02T15:00 ?2023-03-02T03:00 <"}},
		{"Free from 10:00 - 10:30 on Friday 10 March.", []string{"datetime 2023-03-10T10:00", "datetime 2023-03-10T10:30"}},
		{"We are away from 20 April to the 24th or 25th.", []string{"date 2023-04-20", "date 2023-04-24", "date 2023-04-25"}},
		{"March 17-30 and Sunday evening March 12.", []string{"date 2023-03-17", "date 2023-03-30", "date 2023-03-12"}},
		{"We spoke this morning.", []string{"date 2023-03-01"}},
		{"We will talk this am.", []string{"date 2023-03-01"}},
		{"It is on Sitara 824147 and on #2891, not on B210 or x36007.", []string{"reference 824147", "reference 2891"}},
		{"A loss of -$5k.", []string{"money USD -5000.00"}},
		{"Revise deals 599461 and 1022740 and keep the firm deal, 599461, whole.", []string{"reference 599461", "reference 1022740", "reference 599461"}},
		{"Our tax ID # is 84-1480000, Tag number 6181, DMS #'s 10444 and 10445, bid no. 3820.", []string{"reference 84-1480000", "reference 6181", "reference 10444", "reference 10445", "reference 3820"}},
		{"Sitara 824147 is wrong; 246859.1, .2 and EPX_CISO_7001 too.", []string{"reference 824147", "reference 246859.1", "reference EPX_CISO_7001"}},
		{"Approximately 250000 were sent, fax number 5550142, call 713-555-0142, X37324 or 1-800-4SALES, room EB38C, Denver, CO 80202, in 3Q01.", nil},
		{"See https://shop.example/a?id=KX7P2L1&d=14/3/23, C:\\x\\2023-03-14.txt and 12ab345@shop.example.", nil},
		{"A 5% rise of 3 percent, &#8364; and a colour \"#003300\".", []string{"quantity 5%", "quantity 3%"}},
		{"We spoke this am; it ran Nov16-30 and on Oct15, not in Dec01 or Mar23.", []string{"date 2023-03-01", "date 2022-11-16", "date 2022-11-30", "date 2022-10-15"}},
		{"It was checked on Jan 2/02, on August 11,2012 and on March 12/13.", []string{"date 2002-01-02", "date 2012-08-11", "date 2023-03-12", "date 2023-03-13"}},
		{"The days 2-15 thru 2-19, a score of 3-4.", []string{"date 2023-02-15", "date 2023-02-19"}},
		{"I correct these for 2024 (from Nov. 26 to Nov. 25) by Nov. 25.", []string{"date 2024-11-26", "date 2024-11-25", "date 2022-11-25 <"}},
		{"We spoke on September 27 and 28, 2022.", []string{"date 2022-09-27", "date 2022-09-28"}},
		{"Wednesday or Thursday of this week is fine, or Monday and Tuesday of next week.", []string{"date 2023-03-01", "date 2023-03-02", "date 2023-03-06", "date 2023-03-07"}},
		{"It was moved to Friday (3/3) and to 7 March (Tuesday), not 8 March (Tuesday).", []string{"date 2023-03-03", "date 2023-03-07", "date 2023-03-08 !"}},
		{"The call was moved to Friday.", []string{"date 2023-03-03 ?2023-02-24"}},
		{"When: Monday, March 6, 2023 1:00 PM-2:00 PM", []string{"datetime 2023-03-06T13:00", "datetime 2023-03-06T14:00"}},
		{"On Friday from 6:30 to 8:30 pm, after your 730 am call.", []string{"datetime 2023-03-03T18:30", "datetime 2023-03-03T20:30", "time 07:30"}},
		{"Leaves Sunday, 6:45 pm, there at 10:09.", []string{"datetime 2023-03-05T18:45", "time 10:09"}},
		{"The total is ($2,332.94), or $2,627,000 million (£120) at 0.26 US and 3.10 Cdn.", []string{"money USD -2332.94", "money USD 2627000.00", "money GBP 120.00", "money USD 0.26", "money CAD 3.10"}},
		{"Send £64.85. Add 2.00 for the post, and 2 of them.", []string{"money GBP 64.85", "money GBP 2.00"}},
		{"Ring me on the second floor about one thing this is.", nil},
		{"We never had a may in the sun, mon ami.", nil},
	} {
		m := mailOf(c.text)
		m.Date = london
		if d := cmp.Diff(c.want, factsOf(m)); d != "" {
			t.Errorf("facts of %q (-want +got):\n%s", c.text, d)
		}
	}
}

// TestTimesOfAnOccasion: a time in a sentence that names no day is of the day that
// the sentence before or the subject speaks of, else of the next time the clock
// shows it; not where it is past, was said, is a habit or is on another clock.
func TestTimesOfAnOccasion(t *testing.T) {
	for _, c := range []struct {
		subject, text string
		want          []string
	}{
		{"", "Dinner is on 11 March and the meeting on 12 March. It could start at 10 am.", []string{"date 2023-03-11", "date 2023-03-12", "datetime 2023-03-12T10:00 ?2023-03-11T10:00"}},
		{"", "The meeting is on 12 March.\n\nIt could start at 10 am.", []string{"date 2023-03-12", "datetime 2023-03-01T10:00 ?2023-03-02T10:00"}},
		{"Interview on Friday with Tim", "It will be held at 10 a.m. in the hall.", []string{"datetime 2023-03-03T10:00"}},
		{"Re: Interview on Friday", "It will be held at 10 a.m. in the hall.", []string{"datetime 2023-03-01T10:00 ?2023-03-02T10:00"}},
		{"", "Confirmed for 10:30.", []string{"datetime 2023-03-01T10:30 ?2023-03-02T10:30"}},
		{"", "I've asked her to come by at 11:15.", []string{"datetime 2023-03-01T11:15 ?2023-03-02T11:15"}},
		{"", "I will ring you at 8:15.", []string{"time 08:15"}}, // gone by, and it is morning
		{"", "I stopped it at 11:15.", []string{"time 11:15"}},
		{"", "You said 11:15.", []string{"time 11:15"}},
		{"", "We are open from 11:15 every day.", []string{"time 11:15"}},
		{"", "You will meet her at 11:15 your time.", []string{"time 11:15"}},
		{"", "On 7 March I wrote that it stays at noon.", []string{"date 2023-03-07", "time 12:00"}},
		{"", "The interval (12:30) has been changed from $999 to $39 for 7 March.", []string{"datetime 2023-03-07T12:30", "money USD 999.00", "money USD 39.00", "date 2023-03-07"}},
	} {
		m := mailOf(c.text)
		m.Subject = c.subject
		m.Date = time.Date(2023, 3, 1, 9, 30, 0, 0, time.UTC)
		if d := cmp.Diff(c.want, factsOf(m)); d != "" {
			t.Errorf("facts of %q, %q (-want +got):\n%s", c.subject, c.text, d)
		}
	}
}

func TestFactsTakeTheAuthorsCustom(t *testing.T) {
	m := mailOf("Offer her 3/11 for $50.")
	m.Date = time.Date(2025, 2, 26, 8, 0, 0, 0, time.FixedZone("", -8*3600))
	m.From = []message.Address{{Address: "client@dunmore.example"}}
	if d := cmp.Diff([]string{"date 2025-03-11 ?2024-11-03", "money USD 50.00"}, factsOf(m)); d != "" {
		t.Errorf("written in California (-want +got):\n%s", d)
	}
	m.Date = time.Date(2025, 2, 26, 8, 0, 0, 0, time.FixedZone("", 11*3600))
	if d := cmp.Diff([]string{"date 2024-11-03 ?2025-03-11", "money AUD 50.00"}, factsOf(m)); d != "" {
		t.Errorf("written in Sydney (-want +got):\n%s", d)
	}
}

func TestBareNumbersTakeTheirMeaningFromTheMail(t *testing.T) {
	text := "OK for the 60, but 85 is too many.\n\n> It would be EUR 60 for 85 people.\n"
	m := mailOf(text)
	at := len("OK for the 60, but 85 is too many.\n\n")
	m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: at}, {Kind: message.Quoted, Start: at, End: len(text)}}
	if d := cmp.Diff([]string{"money EUR 60.00", "quantity 85 people"}, factsOf(m)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNoDateNoRelativeFacts(t *testing.T) {
	m := mailOf("Tomorrow, on Friday, the 14th, or 14 March 2023.")
	m.Date = time.Time{}
	if d := cmp.Diff([]string{"date 2023-03-14"}, factsOf(m)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestDaysOfADiscourse reads days that mean something only beside another day:
// one the author named before, one in the subject, one in the quoted mail.
func TestDaysOfADiscourse(t *testing.T) {
	for _, c := range []struct {
		name, date, subject, text, quoted string
		want                              []string
	}{
		{"a denial is no past event", "2023-03-13", "", "I never said the 15th.", "", []string{"date 2023-03-15 ?2023-02-15"}},
		{"nor is a request retold", "2023-03-13", "", "I asked for the 15th.", "", []string{"date 2023-03-15 ?2023-02-15"}},
		{"what was told is not when", "2023-03-13", "", "You told me the 10th.", "", []string{"date 2023-03-10 ?2023-04-10"}},
		{"when it was told", "2023-03-13", "", "You told me on the 15th.", "", []string{"date 2023-02-15"}},
		{"an order looks ahead", "2023-03-13", "", "Please send it on the 12th.", "", []string{"date 2023-04-12"}},
		{"it has passed", "2023-02-17", "", "The 15th has passed.", "", []string{"date 2023-02-15"}},
		{"a past event", "2023-02-17", "", "It arrived on the 19th.", "", []string{"date 2023-01-19"}},
		{"a weekday retold", "2023-03-13", "", "I said Friday.", "", []string{"date 2023-03-17 ?2023-03-10"}},
		{"one just gone, retold", "2023-03-16", "", "I asked for Wednesday.", "", []string{"date 2023-03-15 ?2023-03-22"}},
		{"the return of a trip", "2023-03-02", "", "Please book me to Vienna on Tuesday 14 March, first flight out, and back on Thursday evening.", "", []string{"date 2023-03-14", "date 2023-03-16 ?2023-03-09"}},
		{"in the next sentence", "2023-03-02", "", "I fly on 14 March. The return flight is on Thursday.", "", []string{"date 2023-03-14", "date 2023-03-16 ?2023-03-09"}},
		{"a deadline is of this week", "2023-03-02", "", "The fair is on 14 June, so send it by Monday.", "", []string{"date 2023-06-14", "date 2023-03-06 <"}},
		{"something else is of this week", "2023-03-02", "", "The fair is on 14 June. Can you ring me on Monday?", "", []string{"date 2023-06-14", "date 2023-03-06"}},
		{"a weekday of the quoted mail", "2023-03-02", "", "Wednesday is better.", "> Tuesday 14 March or Wednesday 15 March?", []string{"date 2023-03-15 ?2023-03-08"}},
		{"a weekday of the subject", "2023-03-02", "Dinner on Wednesday 15 March", "Is Wednesday still free?", "", []string{"date 2023-03-15 ?2023-03-08"}},
		{"the weekday of a trip's week", "2023-03-02", "", "Then let us take the Thursday.", "> out on Tuesday 14 March", []string{"date 2023-03-16"}},
		{"a day later", "2023-03-02", "", "Make that a day later.", "> out on Tuesday 14 March", []string{"duration 1 day", "date 2023-03-15"}},
		{"two days earlier", "2023-03-02", "", "Not 14 March but two days earlier.", "", []string{"date 2023-03-14", "duration 2 days", "date 2023-03-12"}},
		{"the day after", "2023-03-02", "", "The talk is on 14 March and I fly the day after.", "", []string{"date 2023-03-14", "date 2023-03-15"}},
		{"an entry of a chronicle", "2023-03-27", "", "19 February: the money in my account by Friday.", "", []string{"date 2023-02-19", "date 2023-02-24 <"}},
		{"a mail of a day", "2023-03-16", "", "It stays, as in my mail of Friday.", "", []string{"date 2023-03-10"}},
		{"a day elsewhere", "2023-03-17", "", "It is scheduled for 8am Friday London.", "", []string{"datetime 2023-03-17T08:00 ?2023-03-24T08:00"}},
		{"as promised is no past", "2023-03-13", "", "The corrections come on Friday as promised.", "", []string{"date 2023-03-17"}},
		{"said on a day, of a day", "2023-03-23", "", "On 16 March she answered \"go ahead on Friday as planned\".", "", []string{"date 2023-03-16", "date 2023-03-17 ?2023-03-24"}},
		{"later than nothing", "2023-03-02", "", "Make that a day later.", "", []string{"duration 1 day"}},
		{"the day after something", "2023-03-02", "", "14 March, or the day after the fair.", "", []string{"date 2023-03-14"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mailOf(c.text + "\n\n" + c.quoted)
			m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: len(c.text) + 2}, {Kind: message.Quoted, Start: len(c.text) + 2, End: len(m.Text)}}
			if c.quoted == "" {
				m.Zones = m.Zones[:1]
			}
			m.Subject = c.subject
			when, err := time.Parse("2006-01-02", c.date)
			if err != nil {
				t.Fatal(err)
			}
			m.Date = when
			if d := cmp.Diff(c.want, factsOf(m)); d != "" {
				t.Errorf("facts of %q (-want +got):\n%s", c.text, d)
			}
		})
	}
}
