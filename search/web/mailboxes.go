package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

type mailboxesView struct {
	Page      head
	Mailboxes []mailboxView
	Years     []yearMark // below the bars
	Cannot    []coverageLine
	Archive   archiveView
	Root      string // of the ledger
	CanAdd    bool
	CanCheck  bool
}

// archiveView says whether what is kept is what was sealed.
type archiveView struct {
	Class, Icon, Title string
	Lines              []coverageLine
}

type mailboxView struct {
	Address     string
	About       string // folders, first message
	State       string
	Icon, Class string
	Kept        int
	Server      int    // on the server, 0 when that is not more than what is kept
	Part        string // share kept, in hundredths
	Trouble     string // what it means, then what to do
	Do          string
	NoteClass   string
	Mend        string // where a new password is entered
	Choices     []Choice
	All         bool // everything is kept
	Folders     []folderView
	From, Width string // of its bar, in hundredths
	Period      string
}

type folderView struct {
	Name                         string
	Server, Stored, Unread, Lost int
	Gone                         int
	LeftOut                      []string // what is not kept by choice, and why
	Excluded                     bool
	Period, Synced               string
}

type yearMark struct {
	X    string
	Year string
}

// remedies say what to do about a state that does not mend itself.
var remedies = map[string]string{
	"sign-in refused": "Give the mailbox a password that its server accepts: many providers want one made for this program alone.",
	"unreachable":     "inwriting tries again by itself. If the address of the server changed, correct it in the configuration.",
	"incomplete":      "inwriting asks for what is missing again by itself; the folders below tell how much it is.",
	"never read":      "It is read with the next sync.",
}

func (w *site) mailboxes(rw http.ResponseWriter, r *http.Request) {
	cov, err := w.s.Coverage(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	w.page(rw, r, http.StatusOK, "mailboxes", w.mailboxesView(r, cov), &httpapi.Status{Schema: httpapi.StatusSchema, Coverage: *cov})
}

func (w *site) mailboxesView(r *http.Request, c *trail.Coverage) mailboxesView {
	all := w.coverage(*c)
	v := mailboxesView{Page: w.head(r, "Mailboxes")}
	v.Page.Nav, v.Page.Live = "mailboxes", true
	v.Page.stands(all, false)
	if w.o.Desk != nil && mayChange(r.Context()) {
		v.CanAdd, v.CanCheck = w.o.Desk.Mailboxes() != nil, true
	}
	var spans [][2]time.Time
	var first, last time.Time
	lost, unread := 0, 0
	for _, m := range c.Mailboxes {
		x := mailboxView{Address: m.Address}
		var from, to, synced time.Time
		read, excluded, server := 0, 0, 0
		for _, f := range m.Folders {
			fv := folderView{Name: f.Name, Server: f.Server, Stored: f.Stored, Unread: max(0, f.Stored-f.Indexed), Lost: f.Quarantined, Gone: f.Gone, Excluded: f.Excluded}
			if f.NotChosen > 0 {
				fv.LeftOut = append(fv.LeftOut, plural(f.NotChosen, "message", "messages")+" of this folder not kept: not from or to a chosen client")
			}
			if f.LeftOut > 0 {
				fv.LeftOut = append(fv.LeftOut, plural(f.LeftOut, "message", "messages")+" of this folder not kept: older than it is read")
			}
			if f.From != nil && f.To != nil {
				fv.Period = w.date(*f.From) + " to " + w.date(*f.To)
				if from.IsZero() || f.From.Before(from) {
					from = *f.From
				}
				if f.To.After(to) {
					to = *f.To
				}
			}
			if f.LastSync != nil {
				fv.Synced = w.when(*f.LastSync)
				if f.LastSync.After(synced) {
					synced = *f.LastSync
				}
			}
			if f.Excluded {
				excluded++
			} else {
				x.Kept, server = x.Kept+f.Stored, server+wanted(f)
				lost, unread = lost+fv.Lost, unread+fv.Unread
				if f.LastSync != nil || m.State == "imported" {
					read++
				}
			}
			x.Folders = append(x.Folders, fv)
		}
		x.About = fmt.Sprintf("%d of %s read", read, plural(len(m.Folders)-excluded, "folder", "folders"))
		if m.State == "imported" {
			x.About = "from files"
		}
		if excluded > 0 {
			x.About += fmt.Sprintf(", %d left out by choice", excluded)
		}
		if !from.IsZero() {
			x.About += ", first message " + w.date(from)
		}
		v.stand(w, &x, m, synced, server)
		if v.CanAdd && m.State != "imported" {
			x.Choices, x.All = w.o.Desk.Mailboxes().Choices(m.Address), true
			for _, c := range x.Choices {
				x.All = x.All && !c.Chosen
			}
		}
		if !from.IsZero() && (first.IsZero() || from.Before(first)) {
			first = from
		}
		if to.After(last) {
			last = to
		}
		v.Mailboxes = append(v.Mailboxes, x)
		spans = append(spans, [2]time.Time{from, to})
	}
	if last.After(first) {
		v.measure(w, spans, first, last)
	}

	v.Cannot = []coverageLine{
		line("phone", "warn", "Phone calls and meetings, unless somebody sent a recap"),
		line("unseen", "warn", "Chats and text messages"),
		line("people", "warn", "Mail between others that never reached you"),
	}
	note := func(n int, one, many, rest string) {
		if n > 0 {
			v.Cannot = append(v.Cannot, line("document", "warn", plural(n, one, many)+" "+rest))
		}
	}
	note(lost, "message", "messages", "that the server would not give")
	note(unread, "message is", "messages are", "kept but not read yet")
	note(len(c.Absent), "message is", "messages are", "cited by others but not kept")
	v.Archive = w.archive(all, c)
	if cp := c.Checkpoint; cp != nil {
		v.Root = cp.Root
	}
	return v
}

// stand says how a mailbox stands, what that means and what to do about it.
func (v *mailboxesView) stand(w *site, x *mailboxView, m trail.MailboxCoverage, synced time.Time, server int) {
	x.State = upper(m.State)
	switch m.State {
	case "up to date":
		x.Icon, x.Class, x.Part = "sealed", "ok", "100"
		if !synced.IsZero() {
			x.State += ", " + w.lately(synced)
		}
		if server > x.Kept {
			// More arrived, or is on its way: it is being read.
			x.Icon, x.Class, x.Server, x.Part = "running", "act", server, strconv.Itoa(100*x.Kept/server)
			x.State, v.Page.Refresh = "Reading, newest first", true
		}
	case "imported":
		x.Icon, x.Class, x.Part = "file", "ok", "100"
		x.State = "Imported; what came later is not in it"
	default:
		x.Icon, x.Class = "warning", "warn"
		if server > x.Kept {
			x.Server, x.Part = server, strconv.Itoa(100*x.Kept/server)
		}
		x.Trouble = "Nothing of it is in any trail."
		if !synced.IsZero() {
			x.Trouble = "Mail that came after " + w.when(synced) + " is missing from every trail, and trails say so."
		}
		if m.Detail != "" {
			x.Trouble = upper(m.Detail) + ". " + x.Trouble
		}
		x.Do = remedies[m.State]
		switch m.State {
		case "sign-in refused":
			x.Icon, x.Class, x.NoteClass = "lock", "pencil", "pencil"
			x.State = "Cannot sign in"
			if !synced.IsZero() {
				x.State += " since " + w.date(synced)
			}
			if v.CanAdd {
				x.Mend = "/mailboxes/add?address=" + url.QueryEscape(m.Address)
			}
		case "never read":
			v.Page.Refresh = true
			x.Icon, x.Class, x.State, x.Trouble, x.Do = "running", "act", "Waits for its first reading", "", ""
		}
	}
}

// archive says what the last check found, or that there was none.
func (w *site) archive(all coverageView, c *trail.Coverage) archiveView {
	v := archiveView{Icon: "shield", Title: "The archive", Lines: []coverageLine{line("check", "ok", plural(all.Messages, "message", "messages")+", each sealed in the ledger as it arrived")}}
	if cp := c.Checkpoint; cp != nil {
		v.Lines = append(v.Lines, line("check", "ok", "Ledger of "+plural(int(cp.Size), "entry", "entries")+", signed "+w.lately(cp.Time)))
	} else {
		v.Lines = append(v.Lines, line("dashed", "mute", "Nothing is signed yet"))
	}
	var last *Checked
	if w.o.Desk != nil {
		last = w.o.Desk.Last()
	}
	switch {
	case last == nil:
		v.Lines = append(v.Lines, line("dashed", "mute", "Not read again and compared since this program started"))
	case last.Running:
		v.Lines = append(v.Lines, line("running", "act", "Being read again and compared"))
	case last.OK:
		v.Class, v.Title = "ok", "Archive intact"
		v.Lines = append(v.Lines, line("check", "ok", "All "+thousands(last.Messages)+" read again and compared "+w.lately(last.At)+": nothing altered, nothing missing"))
	default:
		v.Class, v.Icon, v.Title = "bad", "warning", "Not as it was sealed"
		for _, p := range last.Problems[:min(len(last.Problems), 8)] {
			v.Lines = append(v.Lines, line("warning", "pencil", p))
		}
		v.Lines = append(v.Lines, line("archive", "mute", "Restore the data directory from a backup and check again; all other evidence stays usable"))
	}
	return v
}

// measure places the bars between the first and the last message of all.
func (v *mailboxesView) measure(w *site, spans [][2]time.Time, first, last time.Time) {
	whole := last.Sub(first).Seconds()
	share := func(d time.Duration) string { return strconv.FormatFloat(100*d.Seconds()/whole, 'f', 2, 64) }
	for i, s := range spans {
		if s[0].IsZero() {
			continue
		}
		m := &v.Mailboxes[i]
		m.From, m.Width = share(s[0].Sub(first)), share(max(s[1].Sub(s[0]), time.Duration(whole*float64(time.Second)/200)))
		m.Period = w.date(s[0]) + " to " + w.date(s[1])
	}
	years := last.Year() - first.Year()
	step := max(1, years/6)
	for y := first.Year() + 1; y <= last.Year(); y += step {
		if at := time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Sub(first); at > 0 {
			v.Years = append(v.Years, yearMark{X: share(at), Year: strconv.Itoa(y)})
		}
	}
}
