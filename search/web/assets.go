package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"unicode"
)

//go:embed templates/*.html static
var files embed.FS

func mustRead(name string) []byte {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err) // embedded: a build without it is no build
	}
	return b
}

// asset is a file that pages refer to, as it is and packed.
type asset struct {
	body, packed []byte
	media, ver   string
}

type assetSet map[string]asset

// indent is what a script is written with and not sent with: no text of ours goes
// over lines.
var indent = regexp.MustCompile(`(?m)^[ \t]+|^//.*\n`)

// assets are the stylesheet, the script, the icons and the typefaces. Addresses
// carry a hash of the content, so that browsers keep them for a year.
var assets = func() assetSet {
	media := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
		".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8"}
	all := assetSet{}
	_ = fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			panic(err)
		}
		if d.IsDir() {
			return nil
		}
		body := mustRead(name)
		if path.Ext(name) == ".js" {
			body = indent.ReplaceAll(body, nil)
		}
		all.add(strings.TrimPrefix(name, "static/"), body, media[path.Ext(name)])
		return nil
	})
	// The stylesheet names the typefaces by their hashed addresses.
	css := all["app.css"].body
	for name := range all {
		if path.Ext(name) == ".woff2" {
			css = bytes.ReplaceAll(css, []byte("url("+name+")"), []byte("url("+all.url(name)+")"))
		}
	}
	all.add("app.css", css, media[".css"])
	return all
}()

func (s assetSet) add(name string, body []byte, media string) {
	sum := sha256.Sum256(body)
	a := asset{body: body, media: media, ver: hex.EncodeToString(sum[:6])}
	if path.Ext(name) != ".woff2" { // packed already
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		_, _ = z.Write(body)
		_ = z.Close()
		a.packed = b.Bytes()
	}
	s[name] = a
}

func (s assetSet) url(name string) string { return "/static/" + name + "?v=" + s[name].ver }

func (s assetSet) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	a, ok := s[strings.TrimPrefix(r.URL.Path, "/static/")]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", a.media)
	if r.URL.Query().Get("v") == a.ver {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := a.body
	if a.packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if gzips(r) {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
	}
	_, _ = rw.Write(body)
}

// gzips reports whether the client takes gzip.
func gzips(r *http.Request) bool {
	for _, e := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(e), ";")
		if name == "gzip" && strings.ReplaceAll(params, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// printFoot is a stylesheet that puts a line at the foot of each printed page.
func printFoot(rw http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	for _, c := range clip(r.URL.Query().Get("foot"), 200) {
		if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == ' ') {
			b.WriteRune(c)
			continue
		}
		if c < ' ' {
			c = ' '
		}
		fmt.Fprintf(&b, "\\%x ", c) // CSS Syntax section 4.3.7
	}
	rw.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = fmt.Fprintf(rw, "@page { @bottom-left { content: \"%s\"; font: 8pt sans-serif; color: #4f4941 } }\n", b.String())
}
