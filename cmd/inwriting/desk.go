package main

import (
	"archive/zip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"inwriting/search"
	"inwriting/search/access"
	"inwriting/search/bundle"
	"inwriting/search/httpapi"
	"inwriting/search/web"
)

// desk is what the daemon's pages do beside asking: the same actions as the verbs.
type desk struct {
	s        *service
	ctx      context.Context // of the daemon: a check outlives the request that began it
	asked    search.Searcher // as whoever asks may see the record
	app      *app            // changes the configuration; nil where the pages must not
	bundled  func(time.Duration)
	demo     demoPages
	signings signings

	mu    sync.Mutex
	last  *web.Checked
	made  map[string]*web.Bundle
	order []string
	dir   string // of made bundles

	waits    *web.Open // what was open
	waitsAt  time.Time
	waitsOf  int64 // decisions before it
	waitsErr error
	looking  bool
	looked   chan struct{} // closed when the look under way ends
}

// bundlesKept is how many bundles wait to be fetched.
const bundlesKept = 20

func newDesk(ctx context.Context, s *service, asked search.Searcher, a *app) (*desk, error) {
	d := &desk{s: s, ctx: ctx, asked: asked, app: a, made: map[string]*web.Bundle{}, dir: filepath.Join(s.vault.Dir(), "made")}
	// What an earlier run left behind is nobody's any more.
	if err := os.RemoveAll(d.dir); err != nil {
		return nil, fmt.Errorf("clearing the bundles of an earlier run: %w", err)
	}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a place for bundles: %w", err)
	}
	return d, nil
}

func (d *desk) close() {
	d.mu.Lock()
	looked := d.looked
	d.mu.Unlock()
	if looked != nil {
		<-looked // it reads the vault, which is closed next
	}
	d.demo.wait()
	d.signings.wait.Wait()
	os.RemoveAll(d.dir)
}

// sees reports whether whoever asks may see what is with client.
func sees(ctx context.Context, client string) bool {
	p := access.PersonOf(ctx)
	return p == nil || len(p.Clients) == 0 || slices.ContainsFunc(p.Clients, func(c string) bool { return strings.EqualFold(c, client) })
}

// Open is what waited when it was last looked at; looking again goes on beside. On a
// record that was never looked at it takes longer than a page may: then it says so.
func (d *desk) Open(ctx context.Context) (*web.Open, error) {
	d.mu.Lock()
	stale := d.waits == nil || now().Sub(d.waitsAt) > openFresh || d.waitsOf != d.s.decided.Load()
	if stale && !d.looking {
		d.looking, d.looked = true, make(chan struct{})
		go d.look(d.looked)
	}
	looked := d.looked
	d.mu.Unlock()
	if stale {
		select {
		case <-looked:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(openPatience):
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waits == nil {
		return &web.Open{AsOf: now(), Pending: true}, d.waitsErr
	}
	out := &web.Open{AsOf: d.waits.AsOf}
	for _, it := range d.waits.Items {
		if sees(ctx, it.Client) {
			out.Items = append(out.Items, it)
		}
	}
	return out, nil
}

const (
	openFresh    = 30 * time.Second
	openPatience = 300 * time.Millisecond
)

func (d *desk) look(done chan struct{}) {
	of := d.s.decided.Load()
	doc, err := d.s.open(d.ctx, openArgs{})
	var out *web.Open
	if err == nil {
		out = &web.Open{AsOf: doc.AsOf}
		for _, c := range doc.Clients {
			c.each(func(list string, it openItem) {
				out.Items = append(out.Items, web.OpenItem{Client: c.Client, List: list, Statement: it.Statement, WaitsFor: it.WaitsFor, Due: it.Due, State: it.State, Days: it.Days})
			})
		}
		// What waits longest comes first.
		slices.SortStableFunc(out.Items, func(a, b web.OpenItem) int { return b.Days - a.Days })
	} else if d.ctx.Err() == nil {
		d.s.log.Error("looking at what is open", "err", err)
	}
	d.mu.Lock()
	d.looking, d.waitsErr = false, err
	if out != nil {
		d.waits, d.waitsAt, d.waitsOf = out, now(), of
	}
	d.mu.Unlock()
	close(done)
}

func (d *desk) Keep(_ context.Context, m web.Matter) error {
	defer d.s.decided.Add(1)
	_, err := d.s.newMatter(matterArgs{Name: m.Name, Title: m.Title, Question: m.Question, Client: m.Client})
	return err
}

func (d *desk) Correct(ctx context.Context, c web.Correction) error {
	defer d.s.decided.Add(1)
	_, err := d.s.correct(ctx, correctArgs{ID: c.Statement, Kind: c.Kind, Note: c.Note, Undo: c.Undo})
	return err
}

func (d *desk) Bundle(ctx context.Context, o web.BundleOrder) (*web.Bundle, error) {
	// Whoever may not see the trail gets no bundle of it.
	if _, err := d.asked.Trail(ctx, search.TrailQuery{Question: o.Question}); err != nil {
		return nil, err
	}
	var id [12]byte
	_, _ = rand.Read(id[:])
	b := &web.Bundle{ID: hex.EncodeToString(id[:]), Question: o.Question, Title: o.Title, For: o.For, Made: now(), Ledger: -1}
	if b.Title == "" {
		b.Title = o.Question
	}
	b.Name = fileName(b.Title) + "-" + b.Made.Format(time.DateOnly) + ".zip"
	file := filepath.Join(d.dir, b.ID)
	started := time.Now()
	r, err := d.s.export(ctx, exportArgs{Question: o.Question, Title: o.Title, For: o.For, Out: file, LeaveOut: o.LeaveOut, Release: o.Release, Withhold: o.Withhold, BlackOut: o.BlackOut, Cover: o.Cover, Redact: o.Redact}, d.s.tellProgress)
	var held *bundle.HeldError
	if errors.As(err, &held) {
		out := &web.HeldError{}
		for _, h := range heldReport(held).Holds {
			out.Held = append(out.Held, web.Held(h))
		}
		return nil, out
	}
	if err != nil {
		return nil, err
	}
	checked, err := checkBundle(file)
	if err != nil {
		return nil, err
	}
	if !checked.OK {
		os.Remove(file)
		return nil, fmt.Errorf("the bundle does not verify and was thrown away: %s", strings.Join(checked.Lines(), "; "))
	}
	d.bundled(time.Since(started))
	b.Size, b.SHA256, b.Messages, b.Pages, b.Checked = r.Size, r.SHA256, r.Messages, r.Pages, true
	b.Inside = inside(file)
	b.Ledger = d.s.ledgerSize() - 1
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[b.ID] = b
	d.order = append(d.order, b.ID)
	for len(d.order) > bundlesKept {
		os.Remove(filepath.Join(d.dir, d.order[0]))
		delete(d.made, d.order[0])
		d.order = d.order[1:]
	}
	return b, nil
}

// stream answers GET /api/v1/export?q=…&for=…: the bundle as a file.
func (d *desk) stream(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redact, err := bundle.ReadRedactions(strings.NewReader(strings.Join(q["redact"], "\n")))
	if err != nil {
		httpapi.WriteProblem(w, httpapi.ProblemOf(fmt.Errorf("%w: redact: %w", httpapi.ErrBadRequest, err), codes))
		return
	}
	b, err := d.Bundle(r.Context(), web.BundleOrder{Question: strings.TrimSpace(q.Get("q")), Title: q.Get("title"), For: q.Get("for"),
		LeaveOut: q["leave_out"], Release: q["release"], Withhold: q["withhold"], BlackOut: q["black_out"], Cover: q.Get("cover"), Redact: redact})
	var rc io.ReadCloser
	if err == nil {
		_, rc, err = d.Made(r.Context(), b.ID, "")
	}
	if err != nil {
		httpapi.WriteProblem(w, httpapi.ProblemOf(err, codes))
		return
	}
	defer rc.Close()
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": b.Name}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	sum, _ := hex.DecodeString(b.SHA256)
	h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530
	if _, err := io.Copy(w, rc); err != nil {
		panic(http.ErrAbortHandler) // half a bundle is none
	}
}

// fileName is a title as a file's name.
func fileName(title string) string {
	f := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	s := strings.Join(f, "-")
	if len(s) > 60 {
		s = strings.TrimRight(s[:60], "-")
	}
	if s == "" {
		return "bundle"
	}
	return s
}

// chronology is the name of a bundle's PDF.
const chronology = "bundle.pdf"

// inside lists what lies at the top of a bundle, and how many originals.
func inside(file string) (out []string) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil
	}
	defer z.Close()
	originals, rest := 0, 0
	for _, f := range z.File {
		switch name := path.Base(f.Name); {
		case strings.HasSuffix(name, ".eml"):
			originals++
		case name == chronology, name == "VERIFY.txt", name == "bundle.json":
			out = append(out, name)
		default:
			rest++
		}
	}
	slices.Sort(out)
	return append(out, plural(originals, "original .eml", "original .eml"), plural(rest, "file more", "files more"))
}

func (d *desk) Made(ctx context.Context, id, part string) (*web.Bundle, io.ReadCloser, error) {
	d.mu.Lock()
	b := d.made[id]
	d.mu.Unlock()
	if b == nil {
		return nil, nil, fmt.Errorf("bundle %q: %w", id, search.ErrNotFound)
	}
	if _, err := d.asked.Trail(ctx, search.TrailQuery{Question: b.Question}); err != nil {
		return nil, nil, err
	}
	file := filepath.Join(d.dir, b.ID)
	if part == "" {
		f, err := os.Open(file)
		return b, f, err
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range z.File {
		if path.Base(f.Name) == chronology {
			rc, err := f.Open()
			return b, both{rc, z}, err
		}
	}
	z.Close()
	return nil, nil, fmt.Errorf("the bundle has no PDF: %w", search.ErrNotFound)
}

// both closes a file inside a zip and the zip.
type both struct {
	io.ReadCloser
	zip io.Closer
}

func (b both) Close() error { return errors.Join(b.ReadCloser.Close(), b.zip.Close()) }

func (d *desk) Last() *web.Checked {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// Check begins a check of the archive; one runs at a time.
func (d *desk) Check(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != nil && d.last.Running {
		return nil
	}
	d.last = &web.Checked{At: now(), Running: true}
	go func() {
		r, err := d.s.vault.Verify(d.ctx)
		c := &web.Checked{At: now()}
		switch {
		case d.ctx.Err() != nil:
			c = nil
		case err != nil:
			c.Problems = []string{err.Error()}
		default:
			c.OK, c.Messages = r.OK, r.Messages
			for _, x := range r.Damage {
				for _, n := range x.Names {
					c.Altered = append(c.Altered, n.Ref.String())
				}
				c.Problems = append(c.Problems, x.Text)
			}
			for _, x := range r.Ledger {
				c.Problems = append(c.Problems, x.Text)
			}
			c.Problems = append(c.Problems, r.Notes...)
		}
		d.mu.Lock()
		d.last = c
		d.mu.Unlock()
	}()
	return nil
}

func (d *desk) Settings(context.Context) []web.Setting {
	if d.app == nil {
		return nil
	}
	list, err := d.app.settings(d.s.config())
	if err != nil {
		return nil
	}
	out := make([]web.Setting, len(list))
	for i, s := range list {
		out[i] = web.Setting(s)
	}
	return out
}
