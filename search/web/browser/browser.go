// Package browser drives Debian's Chromium for the tests of the pages: it opens
// them in a width and a colour scheme, keeps what they asked the network for,
// has axe-core look at them, and takes pictures for people.
//
// Only tests import it. Where Chromium or axe-core is missing a test is skipped,
// except in CI, where it fails: .ci/tools installs both.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium with a profile of its own.
type Browser struct{ ctx context.Context }

// Look is how a page is looked at.
type Look struct {
	Width, Height int
	Dark          bool
	NoScript      bool
}

// Looks are the four in which every page must be in order.
var Looks = []Look{{Width: 1440, Height: 900}, {Width: 1440, Height: 900, Dark: true}, {Width: 420, Height: 900}, {Width: 420, Height: 900, Dark: true}}

func (l Look) String() string {
	s := fmt.Sprintf("%d-light", l.Width)
	if l.Dark {
		s = fmt.Sprintf("%d-dark", l.Width)
	}
	if l.NoScript {
		s += "-noscript"
	}
	return s
}

// Start starts Chromium; it ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is not here: apt-get install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return &Browser{ctx}
}

func missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// Page is one tab.
type Page struct {
	t    testing.TB
	ctx  context.Context
	look Look

	mu       sync.Mutex
	requests []string
	said     []string
}

// Page opens a tab; it closes with the test.
func (b *Browser) Page(t testing.TB, l Look) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx, look: l}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	p.ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(l.Width), Height: int64(l.Height), DeviceScaleFactor: 1, Mobile: l.Width < 600})
		}
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.NoScript})
		}
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		}
		return err
	}))
	return p
}

// hear keeps what the tab asks for and says.
func (p *Page) hear(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, ev.Request.URL)
	case *runtime.EventConsoleAPICalled:
		for _, a := range ev.Args {
			p.said = append(p.said, string(a.Value))
		}
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, ev.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		p.said = append(p.said, "dialog: "+ev.Message)
		go func() {
			_ = chromedp.Do(p.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
				return err
			}))
		}()
	}
}

// do runs actions, which must work.
func (p *Page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("in the browser: %v", err)
	}
}

func get[T any](p *Page, a chromedp.Action[T]) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, a)
	if err != nil {
		p.t.Fatalf("in the browser: %v", err)
	}
	return v
}

// Open goes to an address and waits until its typefaces are there.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
	p.settle()
}

func (p *Page) settle() {
	p.t.Helper()
	if !p.look.NoScript {
		Eval[bool](p, `document.fonts.ready.then(() => true)`)
	}
}

// Press clicks what a selector finds, and waits for the page that follows, which
// must be in order; PressTo expects another status of it.
func (p *Page) Press(selector string) {
	p.t.Helper()
	p.PressTo(selector, 200)
}

// PressTo is Press for a page of a certain status.
func (p *Page) PressTo(selector string, status int64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	if err != nil {
		p.t.Fatalf("pressing %s at %s: %v", selector, p.Address(), err)
	}
	if resp != nil && int64(resp.Status) != status {
		p.t.Fatalf("pressing %s: status %d at %s, want %d: %s", selector, resp.Status, resp.URL, status, p.Text("body"))
	}
	p.settle()
}

// Click clicks what a selector finds; no page follows.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// Type puts text into a field.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Key presses a key anywhere on the page.
func (p *Page) Key(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// Eval runs a script in the page and waits for its promise.
func Eval[T any](p *Page, js string) T {
	p.t.Helper()
	return get(p, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
}

// Text is what a selector shows.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return get(p, chromedp.Text(chromedp.CSS(selector)))
}

// Has reports whether a selector finds anything now.
func (p *Page) Has(selector string) bool {
	p.t.Helper()
	return Eval[bool](p, fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// Address is the page's own.
func (p *Page) Address() string {
	p.t.Helper()
	return get(p, chromedp.Location())
}

// Wait waits until a selector finds something that is seen.
func (p *Page) Wait(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Requests are the addresses asked for so far, and forgets them.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.requests
	p.requests = nil
	return out
}

// Said is what scripts, errors and dialogs said so far.
func (p *Page) Said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.said...)
}

// Save lets downloads go into dir.
func (p *Page) Save(dir string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir})
		return err
	}))
}

// Shot writes a picture of the whole page into the folder that
// INWRITING_SCREENSHOTS names; without it none is taken.
func (p *Page) Shot(name string) {
	p.t.Helper()
	if dir := os.Getenv("INWRITING_SCREENSHOTS"); dir != "" {
		p.write(dir, name+"-"+p.look.String()+".png", get(p, chromedp.FullScreenshot(100)))
	}
}

// Print is the page as it prints on A4, and written beside the pictures.
func (p *Page) Print(name string) []byte {
	p.t.Helper()
	pdf := get(p, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
	if dir := os.Getenv("INWRITING_SCREENSHOTS"); dir != "" {
		p.write(dir, name+".pdf", pdf)
	}
	return pdf
}

func (p *Page) write(dir, name string, b []byte) {
	p.t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// axe is found by walking up to the repository's bin folder.
func axe(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		b, rerr := os.ReadFile(filepath.Join(dir, "bin", "axe-core", "package", "axe.min.js"))
		if rerr == nil {
			return string(b)
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	missing(t, "axe-core is not here: .ci/tools fetches it from npm")
	return ""
}

// Axe has axe-core look at the page: WCAG 2.0 to 2.2, A and AA, and best practices.
// Each finding fails the test.
func (p *Page) Axe() {
	p.t.Helper()
	src := axe(p.t)
	// The debugger does not ask the page's policy, which forbids strangers' scripts.
	Eval[bool](p, src+"; true")
	out := Eval[string](p, `axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"], resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.html + "  " + n.failureSummary)}))))`)
	var found []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		p.t.Fatal(err)
	}
	for _, f := range found {
		p.t.Errorf("axe-core, %s, %s: %s: %s\n  %s", p.Address(), p.look, f.ID, f.Help, strings.Join(f.Nodes, "\n  "))
	}
	if wide := Eval[int](p, "document.documentElement.scrollWidth"); wide > p.look.Width {
		who := Eval[string](p, fmt.Sprintf(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > %d + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join("\n")`, p.look.Width))
		p.t.Errorf("%s, %s: scrolls sideways, %d wide: %s", p.Address(), p.look, wide, who)
	}
}
