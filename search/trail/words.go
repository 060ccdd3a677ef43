package trail

import (
	"strconv"
	"strings"
	"unicode"

	"inwriting/indexer/message"
)

// term is one comparable word of a question or a statement: a stem, a number, or
// a marked value such as "d:04-19" (a day of the year), "w:3" (a weekday).
type term = string

// words cuts text into lower-case words; "£1,050.00" gives "1050", "15.000" gives
// "15000", "27th" gives "27th", "don't" gives "don't".
func words(s string) []string {
	s = strings.ToLower(s)
	for i := range len(s) {
		if s[i] >= 0x80 {
			rs := []rune(s)
			return cutWords(rs, func(i, j int) string { return string(rs[i:j]) })
		}
	}
	return cutWords([]byte(s), func(i, j int) string { return s[i:j] })
}

// cutWords is words for lower-case text, of code points, or of octets where all are
// ASCII; text is that between two of them.
func cutWords[C rune | byte](rs []C, text func(i, j int) string) []string {
	out := make([]string, 0, len(rs)/6+1)
	for i := 0; i < len(rs); {
		r := rune(rs[i])
		switch {
		case unicode.IsDigit(r):
			j := i
			for j < len(rs) && (unicode.IsDigit(rune(rs[j])) || (rs[j] == ',' || rs[j] == '.') && j+1 < len(rs) && unicode.IsDigit(rune(rs[j+1]))) {
				j++
			}
			num := text(i, j)
			for j < len(rs) && (unicode.IsLetter(rune(rs[j])) || unicode.IsDigit(rune(rs[j]))) {
				j++
			}
			if tail := text(i, j)[len(num):]; tail != "" && !ordinal(tail) {
				if n := plainNumber(num); n != "" && len([]rune(tail)) <= 3 {
					out = append(out, n, tail) // "9am", "10pm", "40min"
				} else {
					out = append(out, num+tail) // a reference: "7p2l"
				}
				i = j
				continue
			} else if tail != "" {
				out = append(out, num+"th")
				i = j
				continue
			}
			if n := plainNumber(num); n != "" {
				k := j
				for k < len(rs) && k <= j+1 && (rs[k] == ' ' || rune(rs[k]) == '\u00a0') {
					k++
				}
				if k < len(rs) && rs[k] == '%' {
					n += "%"
					j = k + 1
				}
				out = append(out, n)
			}
			i = j
		case unicode.IsLetter(r):
			j := i
			for j < len(rs) && (unicode.IsLetter(rune(rs[j])) || unicode.IsDigit(rune(rs[j])) || (rs[j] == '\'' || rune(rs[j]) == '’') && j+1 < len(rs) && unicode.IsLetter(rune(rs[j+1]))) {
				j++
			}
			out = append(out, strings.ReplaceAll(text(i, j), "’", "'"))
			i = j
		default:
			i++
		}
	}
	return out
}

func ordinal(s string) bool {
	switch s {
	case "st", "nd", "rd", "th":
		return true
	}
	return false
}

var grouping = strings.NewReplacer(",", "", ".", "")

// plainNumber drops grouping and decimals: "1,050.00" is 1050, "3.200" is 3200,
// "446.40" is 446. What matters is that both sides of a comparison lose the same.
func plainNumber(s string) string {
	if i := strings.LastIndexAny(s, ".,"); i >= 0 && len(s)-i-1 != 3 {
		s = s[:i]
	}
	s = grouping.Replace(s)
	s = strings.TrimLeft(s, "0")
	if s == "" {
		return "0"
	}
	return s
}

var numberWords = map[string]string{
	"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
	"nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
	"sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30",
	"forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100",
}

var weekdays = map[string]int{
	"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
	"sun": 0, "mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5, "sat": 6,
}

var months = map[string]int{
	"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
	"september": 9, "october": 10, "november": 11, "december": 12,
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}

// stem folds the endings of English: crude, but the same on both sides.
func stem(w string) string {
	w = strings.TrimSuffix(w, "'s")
	if len(w) == 3 && w[2] == 's' && !strings.ContainsRune("aeious", rune(w[1])) && w != "yes" {
		return w[:2] // "ums"
	}
	if len(w) <= 3 {
		return w
	}
	if s, ok := irregular[w]; ok {
		return s
	}
	cut := func(suffix, put string, least int) bool {
		if strings.HasSuffix(w, suffix) && len(w)-len(suffix) >= least {
			w = w[:len(w)-len(suffix)] + put
			return true
		}
		return false
	}
	_ = cut("ies", "y", 2) || cut("sses", "ss", 2) || !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is") && cut("s", "", 3)
	_ = cut("ations", "", 4) || cut("ation", "", 4) || cut("ements", "", 4) || cut("ement", "", 4) || cut("ments", "", 3) || cut("ment", "", 3) ||
		cut("ances", "", 4) || cut("ance", "", 4) || cut("able", "", 4) || cut("ible", "", 4) || cut("ally", "al", 4) || cut("ly", "", 3) ||
		cut("ings", "", 3) || cut("ing", "", 3) || cut("ied", "y", 2) || cut("eed", "eed", 1) || cut("ed", "", 3) || cut("al", "", 5) || cut("ers", "", 4) || cut("er", "", 4)
	if n := len(w); n > 3 && w[n-1] == w[n-2] && !strings.ContainsRune("aeious", rune(w[n-1])) {
		w = w[:n-1]
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	if n := len(w); n > 3 && w[n-1] == 'y' {
		w = w[:n-1] + "i"
	}
	return w
}

var irregular = map[string]string{
	"paid": "pay", "pays": "pay", "paying": "pay", "payment": "pay", "payments": "pay", "payable": "pay", "sent": "send", "sends": "send",
	"bought": "buy", "went": "go", "took": "take", "taken": "take", "gave": "give", "given": "give", "chose": "choos", "chosen": "choos", "chooses": "choos",
	"wrote": "writ", "written": "writ", "held": "hold", "kept": "keep", "left": "leav", "made": "mak", "lost": "los", "meant": "mean", "met": "meet",
	"people": "people", "persons": "people", "person": "people", "done": "do", "told": "tell", "said": "say", "says": "say", "asked": "ask", "knew": "know",
	"children": "child", "men": "man", "women": "woman", "drew": "draw", "drawn": "draw", "rang": "ring", "spoke": "speak", "brought": "bring", "thought": "think",
	"cost": "cost", "costs": "cost", "order": "order", "orders": "order", "ordered": "order", "ordering": "order", "offer": "offer", "offers": "offer", "offered": "offer",
	"number": "number", "numbers": "number", "paper": "paper", "papers": "paper", "poster": "poster", "posters": "poster", "cover": "cover", "answer": "answer", "answers": "answer", "answered": "answer",
	"letter": "letter", "letters": "letter", "dinner": "dinner", "dinners": "dinner", "deliver": "deliver", "delivered": "deliver", "delivery": "deliver", "deliveries": "deliver", "delivering": "deliver",
	"transfer": "transfer", "transferred": "transfer", "transfers": "transfer", "remember": "remember", "flyer": "flyer", "flyers": "flyer", "chapter": "chapter", "chapters": "chapter",
	"plane": "plane", "planes": "plane", "chang": "chang", "red": "red", "need": "need", "feed": "feed", "speed": "speed", "never": "never", "over": "over",
	"flown": "fly", "flew": "fly", "flies": "fly", "later": "late", "latest": "late", "delays": "delay", "delayed": "delay",
	"advised": "advis", "advice": "advis", "choice": "choos", "proof": "proof", "proofs": "proof", "decision": "decid", "decisions": "decid", "decide": "decid", "decided": "decid",
	"agreed": "agre", "agrees": "agre", "agreeing": "agre", "agreement": "agre", "agreements": "agre",
	"permission": "permit", "allowed": "permit", "allow": "permit", "allows": "permit",
}

// synonyms are the trade's words for one thing. A match through a class counts
// less than the word itself.
var synonymClasses = [][]string{
	{"book", "booking", "reserve", "reservation", "order", "purchase", "buy"},
	{"invoice", "bill", "billed", "rechnung"},
	{"flight", "ticket", "fare", "fly", "plane"},
	{"pay", "paid", "payment", "settle", "transfer", "owe", "due", "owed", "money", "unpaid", "outstanding"},
	{"price", "rate", "cost", "fee", "charge", "quote", "surcharge", "tariff", "preis"},
	{"cancel", "cancelled", "drop", "scrap", "withdraw", "call off"},
	{"refund", "reimburse", "reimbursement", "refundable"},
	{"hotel", "room", "accommodation", "stay"},
	{"approve", "approval", "ok", "okay", "accept", "agree", "agreed", "deal", "proceed", "authorise", "authorize", "permit", "ok'd", "oked", "happy", "fine", "perfect", "ahead"},
	{"send", "mail", "email", "mailing", "mailout", "forward", "newsletter"},
	{"late", "delay", "overdue", "behind"},
	{"deadline", "due"},
	{"warn", "warning", "caution", "caveat", "mind", "advise", "aware", "note"},
	{"change", "move", "shift", "switch", "swap", "amend", "alter", "edit", "replace", "revise", "instead"},
	{"call", "phone", "ring", "telephone"},
	{"guest", "people", "head", "attendee", "headcount", "cover", "pax"},
	{"photo", "picture", "image", "shot"},
	{"error", "mistake", "wrong", "fault", "errors", "incorrect"},
	{"reply", "answer", "respond", "response", "react", "reaction"},
	{"confirm", "confirmation", "acknowledge"},
	{"remove", "delete", "removed", "erase", "take down", "taken"},
	{"publish", "post", "live", "announce", "announcement", "release"},
	{"round", "revision", "amendment"},
	{"discount", "off", "reduction", "deduct", "deduction", "reduce"},
	{"dinner", "meal", "lunch", "food", "catering"},
	{"train", "training", "lesson", "course"},
	{"transcript", "transcribe", "transcription"},
	{"candidate", "applicant", "shortlist"},
	{"reject", "rejection", "decline", "refuse"},
	{"interview", "recording", "record", "audio"},
	{"print", "printer", "run"},
	{"decide", "decision", "choose", "choice", "pick"},
	{"extra", "additional", "more", "further"},
	{"hour", "hours", "hourly"},
	{"weekend", "saturday", "sunday"},
	{"max", "maximum", "full"},
	{"finish", "complete", "ready", "done"},
	{"meet", "meeting", "appointment"},
	{"translate", "translation", "translator"},
	{"file", "document", "attachment"},
	{"date", "day"},
}

var synonymOf = func() map[string]string {
	m := map[string]string{}
	for _, class := range synonymClasses {
		head := "=" + stem(class[0])
		for _, w := range class {
			if _, ok := m[stem(w)]; !ok {
				m[stem(w)] = head
			}
		}
	}
	return m
}()

var stopWords = set(`a an the and or but if so as at by for from in into of on onto to up with without about over under out off
 is are was were be been being am do does did done doing have has had having will would shall should can could may might must
 i me my mine we us our ours you your yours he him his she her hers it its they them their theirs this that these those there here
 who whom whose which what when where why how not no yes nor only just also too very really quite even still yet again
 than then now ever never always some any all each every both few more most other such same own
 i'm i've i'll i'd you're you've you'll you'd he's he'd she's she'd it's we're we've we'll we'd they're they've they'll they'd don't doesn't didn't won't
 can't couldn't wouldn't shouldn't isn't aren't wasn't weren't hasn't haven't hadn't that's there's here's what's who's let's whats
 non please thanks thank hello hi dear regards get got gets getting go goes going one ones thing things like want wants
 say said says tell told ask asked asks claim claims claimed think thought know knew mean meant actually finally end
 often usually once twice before after between during until till since because though although while per via re him her s t am pm was supposed be
 anybody anyone somebody someone everybody everyone nobody somewhere anything something nothing else
 make made much many lot did do den die das der und ich sie de het een en`)

func set(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// terms gives the comparable terms of a text with how often each occurs.
func terms(s string) map[term]float64 { return termsOf(words(s)) }

func termsOf(ws []string) map[term]float64 {
	m := make(map[term]float64, len(ws))
	var few [4]term
	for i, w := range ws {
		for _, t := range appendTerms(few[:0], ws, i, w) {
			m[t]++
		}
	}
	return m
}

// wordTerms gives the terms of one word, seen among its neighbours.
func wordTerms(ws []string, i int, w string) []term { return appendTerms(nil, ws, i, w) }

func appendTerms(ts []term, ws []string, i int, w string) []term {
	if d, ok := strings.CutSuffix(w, "th"); ok && isNumber(d) {
		ts = append(ts, "n:"+d)
		if m := neighbourMonth(ws, i); m > 0 {
			ts = append(ts, dayTerm(m, atoi(d)))
		} else {
			ts = append(ts, "dd:"+d)
		}
		return ts
	}
	if isNumber(w) {
		ts = append(ts, "n:"+w)
		if m := neighbourMonth(ws, i); m > 0 && atoi(w) <= 31 {
			ts = append(ts, dayTerm(m, atoi(w)))
		}
		return ts
	}
	if d, ok := weekdays[w]; ok && (len(w) > 3 || w == "mon" || w == "tue" || w == "thu" || w == "fri" || w == "wed") {
		return append(ts, "w:"+strconv.Itoa(d))
	}
	if m, ok := months[w]; ok && w != "may" && w != "mar" {
		if hasDay(ws, i) {
			return append(ts, "md:"+strconv.Itoa(m)) // "24 February" is a day, not the month
		}
		return append(ts, "m:"+strconv.Itoa(m))
	}
	if n, ok := numberWords[w]; ok && w != "one" {
		return append(ts, "n:"+n)
	}
	if stopWords[w] {
		return ts
	}
	if s := stem(w); len(s) > 1 {
		return append(ts, s)
	}
	return ts
}

// hasDay reports whether the month at i stands with a day.
func hasDay(ws []string, i int) bool {
	day := func(j int) bool {
		if j < 0 || j >= len(ws) {
			return false
		}
		d := strings.TrimSuffix(ws[j], "th")
		return isNumber(d) && len(d) <= 2 && atoi(d) >= 1 && atoi(d) <= 31
	}
	return day(i+1) || day(i-1) || i > 1 && ws[i-1] == "of" && day(i-2)
}

func dayTerm(m, d int) term { return "d:" + strconv.Itoa(m) + "-" + strconv.Itoa(d) }

func neighbourMonth(ws []string, i int) int {
	for _, j := range []int{i + 1, i - 1} {
		if j >= 0 && j < len(ws) {
			if m, ok := months[ws[j]]; ok {
				return m
			}
		}
	}
	if i+2 < len(ws) && ws[i+1] == "of" {
		return months[ws[i+2]]
	}
	return 0
}

func isNumber(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

func addrs(list []message.Address) []addr {
	out := make([]addr, len(list))
	for i, a := range list {
		out[i] = addr{a.Name, strings.ToLower(a.Address)}
	}
	return out
}
