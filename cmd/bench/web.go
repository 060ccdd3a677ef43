package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"

	"inwriting/indexer/imapsync/imaptest"
)

// What the pages may take.
const (
	mostTrail  = 50 * time.Millisecond  // a trail of 60 statements on the server, 99 of 100
	mostPaint  = 100 * time.Millisecond // the first paint on loopback
	mostBusy   = 250 * time.Millisecond // a page while mail pours in and 50 read, 99 of 100
	mostPacked = 10 << 10               // a trail, packed
	readers    = 50
)

const webQuestion = "what date did Martin want the Zanzibar brochure printed"

// benchWeb measures the pages over -messages messages: a trail's page by itself, its
// first paint in a browser, what pages weigh, and 50 readers while a mailbox is read.
func benchWeb(dir string) error {
	srv, err := imaptest.StartDovecot(filepath.Join(dir, "dovecot"))
	if err != nil {
		return err
	}
	defer srv.Close()
	d, err := webDaemon(dir, srv)
	if err != nil {
		return err
	}
	defer d.stop()
	trail := "/m/brochure?q=" + url.QueryEscape(webQuestion)
	if err := d.alone(trail); err != nil {
		return err
	}
	if err := d.paint(trail); err != nil {
		return err
	}
	if err := d.weights(trail); err != nil {
		return err
	}
	return d.busy(dir, srv, trail)
}

// webMail is a corpus with a dispute of 20 messages in it.
func webMail(dir string) error {
	if _, err := corpus(dir, *count); err != nil {
		return err
	}
	client := []string{"Please print the Zanzibar brochure on %d March.", "Could you send me the proof of the Zanzibar brochure by %d March?", "Let us move the printing of the Zanzibar brochure to %d March.",
		"The Zanzibar brochure should be at the fair on %d March.", "When do the boxes with the Zanzibar brochure arrive, on %d March?"}
	ours := []string{"Confirmed: the Zanzibar brochure goes to print on %d March.", "I will send you the proof of the Zanzibar brochure by %d March.", "Shall I order the paper for the Zanzibar brochure before %d March?",
		"The printer needs your approval of the Zanzibar brochure by %d March.", "Attached is the proof of the Zanzibar brochure, as promised for %d March."}
	extra := []string{"Keep it under £%d.", "Can we use the blue cover, number %d?", "The quote is £%d for the first thousand.", "Please add %d copies for the office.", "Is £%d still the price?", "We need %d more for the hotel desk."}
	for i := range 20 {
		from, to, list := "Martin Hale <martin@halearchitects.example>", "Nora Lind <nora@deskandco.example>", client
		if i%2 == 1 {
			from, to, list = to, from, ours
		}
		text := fmt.Sprintf(list[i/2%5], 2+i) + " " + fmt.Sprintf(extra[i%6], 200+i) + " " + fmt.Sprintf(extra[(i+3)%6], 240+i)
		at := time.Date(2023, 2, 1+i, 9, 0, 0, 0, time.UTC)
		re, refs := "", ""
		if i > 0 {
			re, refs = "Re: ", fmt.Sprintf("In-Reply-To: <z%d@bench.example>\nReferences: <z%d@bench.example>\n", i-1, i-1)
		}
		raw := fmt.Sprintf("From: %s\nTo: %s\nDate: %s\nMessage-ID: <z%d@bench.example>\n%sSubject: %sZanzibar brochure\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n%s\n", from, to, at.Format(time.RFC1123Z), i, refs, re, text)
		if err := os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.Z%d.bench:2,S", 1900000000+i, i)), []byte(raw), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// served is a running daemon.
type served struct {
	cmd  *exec.Cmd
	url  string
	conf string
	data string
	web  *http.Client
}

func webDaemon(dir string, srv *imaptest.Server) (*served, error) {
	mail := filepath.Join(dir, "mail")
	if err := webMail(mail); err != nil {
		return nil, err
	}
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(srv.Password+"\n"), 0o600); err != nil {
		return nil, err
	}
	d := &served{conf: filepath.Join(dir, "inwriting.toml"), data: filepath.Join(dir, "vault"), web: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: readers, DisableCompression: true}}}
	text := "me = [\"nora@deskandco.example\"]\nlisten = \"127.0.0.1:0\"\n[[client]]\nname = \"Hale Architects\"\ndomains = [\"halearchitects.example\"]\n"
	if err := os.WriteFile(d.conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	c, err := measure(nil, *binary, "import", mail, "--mailbox", "nora@deskandco.example", "--config", d.conf, "--data", d.data)
	if err != nil {
		return nil, err
	}
	report(os.Stdout, fmt.Sprintf("%d messages imported and read", *count+20), c)
	text += fmt.Sprintf("[[mailbox]]\naddress = \"busy@bench.example\"\nusername = \"busy\"\nserver = \"insecure://%s\"\npassword_file = %q\nevery = \"1s\"\n", srv.Addr, pass)
	if err := os.WriteFile(d.conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	d.cmd = exec.Command(*binary, "serve", "--config", d.conf, "--data", d.data)
	errs, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(errs)
	at := regexp.MustCompile(`answers at (http://[^ ]+)/ `)
	for lines.Scan() {
		if m := at.FindStringSubmatch(lines.Text()); m != nil {
			d.url = m[1]
			go func() { _, _ = io.Copy(io.Discard, errs) }()
			return d, nil
		}
	}
	return nil, errors.Join(errors.New("serve does not answer"), d.cmd.Wait())
}

func (d *served) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	_ = d.cmd.Wait()
}

// get fetches a page as a browser does and returns how long that took.
func (d *served) get(path string) ([]byte, time.Duration, error) {
	req, err := http.NewRequest(http.MethodGet, d.url+path, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Accept-Encoding", "gzip")
	start := time.Now()
	resp, err := d.web.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	took := time.Since(start)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return b, took, err
}

func percentiles(all []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(all)
	return all[len(all)/2], all[min(len(all)-1, len(all)*99/100)]
}

func within(got, most time.Duration) string {
	if got > most {
		return "MORE than the " + most.String() + " allowed"
	}
	return "within " + most.String()
}

func (d *served) alone(trail string) error {
	page, first, err := d.get(trail)
	if err != nil {
		return err
	}
	var all []time.Duration
	used, start := d.cpu(), time.Now()
	for len(all) < 300 && (len(all) < 10 || time.Since(start) < time.Minute) {
		_, took, err := d.get(trail)
		if err != nil {
			return err
		}
		all = append(all, took)
	}
	used = (d.cpu() - used) / time.Duration(len(all))
	p50, p99 := percentiles(all)
	n := bytes.Count(unpacked(page), []byte(`class="say"`))
	fmt.Printf("trail page, %d statements, asked %d times: first %v, median %v, 99 of 100 in %v, CPU %v each: %s\n", n, len(all), first.Round(time.Millisecond/10), p50.Round(time.Millisecond/10), p99.Round(time.Millisecond/10), used.Round(time.Millisecond), within(p99, mostTrail))
	return nil
}

// cpu is what the daemon has used so far, in steps of 10 ms; it tells how much of
// a slow answer was the machine's other work.
func (d *served) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // proc_pid_stat(5), from field 3 on
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func unpacked(b []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return b
	}
	out, _ := io.ReadAll(z)
	return out
}

func (d *served) paint(trail string) error {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return err
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	defer cancel()
	ctx, stop := chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(ctx); err != nil {
		return err
	}
	for _, p := range []struct{ name, path string }{{"trail", trail}, {"matters", "/"}, {"ask", "/ask?q=zanzibar+brochure"}} {
		var all []time.Duration
		for range 8 {
			// From another of the pages, as people come to it: from about:blank Chromium
			// starts a new process, which takes longer than any page.
			if err := chromedp.Do(ctx, chromedp.Navigate(d.url+"/keyboard"), chromedp.Navigate(d.url+p.path)); err != nil {
				return err
			}
			ms, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`new Promise(r => { const f = () => { const e = performance.getEntriesByName("first-contentful-paint")[0]; e ? r(e.startTime) : setTimeout(f, 10) }; f() })`, chromedp.EvalAwaitPromise))
			if err != nil {
				return err
			}
			all = append(all, time.Duration(ms*float64(time.Millisecond)))
		}
		p50, _ := percentiles(all[1:]) // the first one fetched the stylesheet
		fmt.Printf("first paint, %s: median %v: %s\n", p.name, p50.Round(time.Millisecond), within(p50, mostPaint))
	}
	return nil
}

func (d *served) weights(trail string) error {
	page, _, err := d.get(trail)
	if err != nil {
		return err
	}
	verdict := "within 10 KB"
	if len(page) > mostPacked {
		verdict = "MORE than the 10 KB allowed"
	}
	fmt.Printf("trail page, packed: %.1f KB: %s\n", float64(len(page))/1024, verdict)
	for _, name := range []string{"app.css", "app.js", "icons.svg", "fonts/inter.woff2", "fonts/source-serif-4.woff2", "fonts/geist-mono.woff2"} {
		b, _, err := d.get("/static/" + name)
		if err != nil {
			return err
		}
		fmt.Printf("  %-28s %5.1f KB on the wire, %.1f KB whole\n", name, float64(len(b))/1024, float64(len(unpacked(b)))/1024)
	}
	return nil
}

// busy has 50 readers at work while a mailbox of a fifth of the messages is read.
func (d *served) busy(dir string, srv *imaptest.Server, trail string) error {
	load := max(*count/5, 1000)
	if _, err := corpus(filepath.Join(dir, "more"), load); err != nil {
		return err
	}
	kept := func() (int, error) {
		c, err := measure(nil, *binary, "status", "--json", "--config", d.conf, "--data", d.data)
		if err != nil {
			return 0, err
		}
		var s struct {
			Mailboxes []struct {
				Address string
				Folders []struct{ Stored int }
			}
		}
		err = json.Unmarshal(c.out, &s)
		n := 0
		for _, m := range s.Mailboxes {
			for _, f := range m.Folders {
				if m.Address == "busy@bench.example" {
					n += f.Stored
				}
			}
		}
		return n, err
	}
	if err := copyMaildir(filepath.Join(dir, "more"), srv.Maildir("busy")); err != nil {
		return err
	}
	if err := srv.Own(srv.Maildir("busy")); err != nil {
		return err
	}
	start := time.Now()
	done := make(chan struct{})
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	pages := []string{trail, "/", "/ask?q=zanzibar+brochure", "/ask?q=flight+confirmed", "/mailboxes"}
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			for n := i; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				_, took, err := d.get(pages[n%len(pages)])
				mu.Lock()
				all = append(all, took)
				failed = errors.Join(failed, err)
				mu.Unlock()
				time.Sleep(time.Second) // a person reads
			}
		})
	}
	var took time.Duration
	var err error
	for n := 0; n < load; {
		if n, err = kept(); err != nil || time.Since(start) > 10*time.Minute {
			break
		}
		took = time.Since(start)
		time.Sleep(200 * time.Millisecond)
	}
	close(done)
	wg.Wait()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	n, err := kept()
	if err != nil {
		return err
	}
	p50, p99 := percentiles(all)
	fmt.Printf("%d readers while %d of %d messages were collected, %.0f/s: %d pages, median %v, 99 of 100 in %v: %s\n", readers, n, load, float64(load)/took.Seconds(), len(all), p50.Round(time.Millisecond), p99.Round(time.Millisecond), within(p99, mostBusy))
	if n != load {
		return fmt.Errorf("%d of %d messages are kept", n, load)
	}
	c, err := measure(nil, *binary, "verify", "--archive", "--config", d.conf, "--data", d.data)
	if err != nil {
		return err
	}
	fmt.Print(strings.TrimSpace(string(c.out)) + "\n")
	return nil
}
