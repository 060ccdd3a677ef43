package web

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"inwriting/search"
	"inwriting/search/bundle"
	"inwriting/search/httpapi"
	"inwriting/search/trail"
)

type bundleView struct {
	Page     head
	Action   string
	Question string // when it is not a matter's
	Back     string
	Readers  []readerView
	Items    []pickView
	Outside  []pickView
	Forms    []box
	Redact   string // as typed: a line each, "reason: words"
	Cover    string
	Held     []heldView // what somebody has to decide about first
	Codes    []codeView
	Counts   string
	Declared string
	Preview  previewView
	Files    []coverageLine
	Error    string
}

// readerView is one of those whom a bundle may be for.
type readerView struct {
	Value, Word, About, Icon string
	On                       bool
}

// heldView is a place that waits for a decision, with what was said about it.
type heldView struct {
	Held
	About, Do, Reason string
}

type codeView struct{ Code, Text string }

// pickView is a message of the trail with what was said in it.
type pickView struct {
	ID, Ref, Label, About string
	N                     []int
	Pick                  bool // it can be taken out
	First                 int
	In                    bool
	Reason                string
	Size                  string
}

// previewView is the first page, about as it prints.
type previewView struct {
	Title, Sub, Words string
	Cover             string
	Lines             []previewLine
	Foot              string
}

type previewLine struct {
	N    int
	Text string
}

var readers = []readerView{
	{Value: "client", Word: "The client", About: "Short and friendly", Icon: "person"},
	{Value: "insurer", Word: "An insurer", About: "With terms and timeline", Icon: "assurance"},
	{Value: "court", Word: "A court", About: "Numbered pages, index, originals", Icon: "court"},
	{Value: "court-us", Word: "A US court", About: "The same, with US rules", Icon: "court"},
	{Value: "solicitor", Word: "A lawyer", About: "Everything, with all proofs", Icon: "firm"},
}

var formWords = map[string]string{"card": "card numbers", "iban": "bank accounts (IBAN)", "sort-code": "UK sort codes"}

func (w *site) bundle(rw http.ResponseWriter, r *http.Request) {
	m, question, err := w.named(r)
	if err == nil {
		var t *trail.Trail
		if t, err = w.s.Trail(r.Context(), search.TrailQuery{Question: question}); err == nil && len(t.Entries) == 0 {
			err = search.ErrNotFound
		}
		if err == nil {
			w.page(rw, r, http.StatusOK, "bundle", w.bundleView(r, m, t), t)
			return
		}
	}
	w.fail(rw, r, err)
}

func (w *site) bundleView(r *http.Request, m Matter, t *trail.Trail) bundleView {
	title := m.Title
	if title == "" {
		title = upper(t.Question)
	}
	v := bundleView{Page: w.head(r, "Bundle"), Action: "/bundle/" + url.PathEscape(m.Name), Back: "/m/" + url.PathEscape(m.Name)}
	if !m.Kept && m.Title == "" {
		v.Question = t.Question
		v.Back += "?q=" + url.QueryEscape(t.Question)
	}
	cov := w.coverage(t.Coverage)
	v.Page.stands(cov, false)
	v.Page.Crumbs = []crumb{{"Matters", "/"}, {clip(title, 60), v.Back}, {"Bundle", ""}}
	chosen := r.FormValue("for")
	for i, x := range readers {
		x.On = x.Value == chosen || chosen == "" && i == 0
		v.Readers = append(v.Readers, x)
	}
	at := map[string]int{}
	for _, e := range t.Entries {
		s := e.Statement
		ref := s.Message.Ref.String()
		i, ok := at[ref]
		if !ok {
			i = len(v.Items)
			at[ref] = i
			who := speaker(s.Speaker)
			n := strconv.Itoa(e.N)
			in := r.Method != http.MethodPost || slices.Contains(r.Form["in"], n)
			v.Items = append(v.Items, pickView{ID: n, Ref: ref, First: e.N, In: in, Pick: true, Reason: r.FormValue("reason-" + n), About: who.Name + ", " + w.when(s.Message.Date),
				Label: upper(string(s.Kind)) + ": “" + clip(strings.Join(strings.Fields(s.Quote), " "), 90) + "”"})
		}
		v.Items[i].N = append(v.Items[i].N, e.N)
	}
	for _, x := range t.LeftOut {
		id := x.Statement
		if id == "" {
			id = x.Ref
		}
		about := "Left out: " + x.Reason
		if !x.Date.IsZero() {
			about = w.date(x.Date) + ". " + about
		}
		label := "A statement"
		if x.Statement == "" {
			label = "A message"
		}
		v.Items = append(v.Items, pickView{ID: id, Label: label, About: about, Reason: x.Reason})
	}
	for _, x := range t.Exhibits {
		v.Outside = append(v.Outside, pickView{ID: x.Ref.String(), Label: x.Name, About: fmt.Sprintf("X%d, taken in %s", x.N, w.when(x.At)), In: true, Size: octets(x.Size)})
	}
	in := len(at)
	v.Counts = fmt.Sprintf("%s, %s", plural(in, "message", "messages"), plural(len(t.Entries), "statement", "statements"))
	if n := len(t.LeftOut); n > 0 {
		v.Declared = plural(n, "thing of this trail is", "things of this trail are") + " left out. The bundle says so, with the date and your reason, so that nobody can call it a selection."
	}
	for _, f := range bundle.Forms() {
		v.Forms = append(v.Forms, box{Value: f, Word: cmp.Or(formWords[f], upper(f)), On: slices.Contains(r.Form["black"], f)})
	}
	for code, text := range bundle.Codes {
		v.Codes = append(v.Codes, codeView{code, text})
	}
	slices.SortFunc(v.Codes, func(a, b codeView) int { return strings.Compare(a.Text, b.Text) })
	v.Redact, v.Cover = typed(r, "redact"), typed(r, "cover")
	v.Preview = w.preview(title, t)
	v.Preview.Cover = v.Cover
	v.Files = []coverageLine{
		line("document", "", "Chronology, PDF: numbered pages, linked index, bookmarks, searchable"),
		line("mailbox", "", fmt.Sprintf("Original messages, .eml: %d, unchanged", in)),
		line("file", "", "Tables of all statements and findings, .csv and .json"),
		line("shield", "", "Manifest with checksums and proofs: lets anyone check the files without inwriting"),
	}
	return v
}

func (w *site) preview(title string, t *trail.Trail) previewView {
	first, last := t.Entries[0].Statement.Message.Date, t.Entries[len(t.Entries)-1].Statement.Message.Date
	v := previewView{Title: clip(title, 120), Sub: "The written record, " + w.date(first) + " to " + w.date(last), Words: clip(t.Summary.Text, 420),
		Foot: fmt.Sprintf("%s · drawn from %s", clip(title, 50), plural(w.coverage(t.Coverage).Messages, "message", "messages"))}
	for _, e := range t.Entries[:min(len(t.Entries), 12)] {
		v.Lines = append(v.Lines, previewLine{e.N, upper(string(e.Statement.Kind)) + ": “" + clip(strings.Join(strings.Fields(e.Statement.Quote), " "), 80) + "”"})
	}
	return v
}

// typed is what stands in a field of several lines. Forms send CR LF (HTML, constructing the entry list).
func typed(r *http.Request, field string) string {
	return strings.TrimSpace(strings.ReplaceAll(r.FormValue(field), "\r\n", "\n"))
}

// order is what a form asks for.
func order(r *http.Request, t *trail.Trail) (o BundleOrder, err error) {
	o.For, o.BlackOut, o.Cover = r.FormValue("for"), r.Form["black"], typed(r, "cover")
	if o.Redact, err = bundle.ReadRedactions(strings.NewReader(typed(r, "redact"))); err != nil {
		return o, fmt.Errorf("words to black out, %w", err)
	}
	seen := map[string]bool{}
	for _, e := range t.Entries {
		ref := e.Statement.Message.Ref.String()
		if seen[ref] {
			continue
		}
		seen[ref] = true
		n := strconv.Itoa(e.N)
		if slices.Contains(r.Form["in"], n) {
			continue
		}
		reason := strings.TrimSpace(r.FormValue("reason-" + n))
		if reason == "" {
			return o, fmt.Errorf("what is left out is left out for a reason: write one beside %s", n)
		}
		o.LeaveOut = append(o.LeaveOut, n+"="+reason)
	}
	for _, id := range r.Form["held"] {
		reason := strings.TrimSpace(r.FormValue("why-" + id))
		switch do := r.FormValue("do-" + id); {
		case do == "" || reason == "":
			// It is held again, and asked about again.
		case do == "release":
			o.Release = append(o.Release, id+"="+reason)
		default:
			o.Withhold = append(o.Withhold, id+"="+do+":"+reason)
		}
	}
	return o, nil
}

func (w *site) makeBundle(rw http.ResponseWriter, r *http.Request) {
	m, question, err := w.named(r)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	t, err := w.s.Trail(r.Context(), search.TrailQuery{Question: question})
	if err == nil && len(t.Entries) == 0 {
		err = search.ErrNotFound
	}
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	o, err := order(r, t)
	var b *Bundle
	if err == nil {
		o.Question, o.Title = question, m.Title
		if o.Title == "" {
			o.Title = clip(upper(t.Question), 200)
		}
		b, err = w.o.Desk.Bundle(r.Context(), o)
	}
	if err != nil {
		v := w.bundleView(r, m, t)
		v.Error = upper(err.Error()) + "."
		var held *HeldError
		if errors.As(err, &held) {
			v.Held = w.held(r, held)
		} else {
			w.o.Logger.Error("making a bundle", "err", err)
		}
		if wantsJSON(r) {
			p := httpapi.ProblemOf(err, nil)
			p.Status = http.StatusConflict
			httpapi.WriteProblem(rw, p)
			return
		}
		w.page(rw, r, http.StatusConflict, "bundle", v, nil)
		return
	}
	to := "/bundle/" + url.PathEscape(m.Name) + "/" + b.ID
	if wantsJSON(r) {
		rw.Header().Set("Location", to)
		w.page(rw, r, http.StatusCreated, "made", nil, b)
		return
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// held are the places to decide about, with what was decided so far.
func (w *site) held(r *http.Request, e *HeldError) []heldView {
	var out []heldView
	for _, h := range e.Held {
		x := heldView{Held: h, Do: r.FormValue("do-" + h.ID), Reason: r.FormValue("why-" + h.ID)}
		x.About = bundle.Codes[h.Code]
		if h.Of != "" {
			x.About = "it is about " + h.Of
		}
		out = append(out, x)
	}
	return out
}

type madeView struct {
	Page     head
	Title    string
	About    string
	Name     string
	Size     string
	SHA      []string
	Inside   string
	Ledger   string
	File     string
	PDF      string
	Text     string
	Back     string
	Checked  bool
	Question string
}

func (w *site) bundleMade(rw http.ResponseWriter, r *http.Request) {
	b, rc, err := w.o.Desk.Made(r.Context(), r.PathValue("id"), "")
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	rc.Close()
	who := map[string]string{"client": "client", "insurer": "insurer", "court": "court", "court-us": "court", "solicitor": "lawyer"}[b.For]
	base := "/bundle/" + url.PathEscape(r.PathValue("name")) + "/" + b.ID + "/"
	v := madeView{Page: w.head(r, "Bundle"), Title: "Your bundle for the " + who, Name: b.Name, Size: octets(b.Size), File: base + b.Name, PDF: base + "chronology.pdf", Checked: b.Checked,
		Inside: strings.Join(b.Inside, ", "), Back: "/m/" + url.PathEscape(r.PathValue("name"))}
	v.About = clip(b.Title, 100) + ". " + plural(b.Messages, "message", "messages") + ", made " + w.today(b.Made) + " at " + w.clock(b.Made) + "."
	if b.Pages > 0 {
		v.About = clip(b.Title, 100) + ". " + plural(b.Pages, "page", "pages") + ", " + plural(b.Messages, "message", "messages") + ", made " + w.today(b.Made) + " at " + w.clock(b.Made) + "."
	}
	for h := b.SHA256; len(h) >= 4; h = h[4:] {
		v.SHA = append(v.SHA, h[:4])
	}
	if b.Ledger >= 0 {
		v.Ledger = "ledger entry " + thousands(int(b.Ledger)) + ", so you can show later that this is the bundle you sent"
	}
	v.Text = fmt.Sprintf("Attached is the written record of our exchange (%s).\nSHA-256: %s\nThe file VERIFY.txt inside explains how to check it.\n", b.Name, b.SHA256)
	w.corner(r.Context(), &v.Page)
	v.Page.Slim = true
	v.Page.Crumbs = []crumb{{"Matters", "/"}, {clip(b.Title, 60), v.Back}, {"Bundle", ""}}
	w.page(rw, r, http.StatusOK, "made", v, b)
}

// bundleFile streams the bundle, or its PDF alone.
func (w *site) bundleFile(rw http.ResponseWriter, r *http.Request) {
	part := ""
	if r.PathValue("file") == "chronology.pdf" {
		part = "pdf"
	}
	b, rc, err := w.o.Desk.Made(r.Context(), r.PathValue("id"), part)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	defer rc.Close()
	h := rw.Header()
	name := b.Name
	h.Set("Content-Type", "application/zip")
	if part == "pdf" {
		name = strings.TrimSuffix(b.Name, ".zip") + ".pdf"
		h.Set("Content-Type", "application/pdf")
	} else {
		h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if _, err := io.Copy(rw, rc); err != nil {
		w.o.Logger.Debug("sending a bundle", "err", err)
		panic(http.ErrAbortHandler) // half a bundle is none
	}
}
