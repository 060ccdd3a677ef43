package bundle

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"inwriting/search/web/browser"
)

// The offline page in a real browser, as a file: its own words, its own checks, and
// nothing asked of any network.
func TestCheck17InBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	b := browser.Start(t)
	root, _ := unpacked(t, fixture(t))
	page := "file://" + filepath.Join(root, "tools", "verify.html")
	p := b.Page(t, browser.Look{Width: 900, Height: 700})
	p.Open(page)
	if got := p.Text("h1"); got != "Check a bundle" {
		t.Errorf("%q", got)
	}
	type result struct {
		OK       bool
		Say, Bad []string
		VKey     string `json:"vkey"`
	}
	check := func() (r result) {
		files := map[string]string{}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(root, path)
			files[filepath.ToSlash(rel)] = base64.StdEncoding.EncodeToString(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		all, err := json.Marshal(files)
		if err != nil {
			t.Fatal(err)
		}
		said := browser.Eval[string](p, "check(new Map(Object.entries("+string(all)+").map(([k, v]) => [k, async () => un64(v).buffer]))).then(r => JSON.stringify(r))")
		if err := json.Unmarshal([]byte(said), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := check()
	if !r.OK || len(r.Bad) > 0 || !strings.Contains(strings.Join(r.Say, "\n"), "the checkpoint was signed with the key") || !strings.HasPrefix(r.VKey, "desk.example/vault1+") {
		t.Errorf("%+v", r)
	}
	for name, spoil := range map[string]func(p string) error{
		"data/text/E0002.txt": func(p string) error { return os.WriteFile(p, []byte("Confirming: Tuesday 15 March.\n"), 0o600) },
		"proof/checkpoint": func(p string) error {
			return os.WriteFile(p, []byte("desk.example/vault1\n6\nAAAA\n\n— x y\n"), 0o600)
		},
		"proof/E0001.entry": os.Remove,
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		if r := check(); r.OK || len(r.Bad) == 0 {
			t.Errorf("%s: the page is content: %+v", name, r)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range p.Requests() {
		if u != page {
			t.Errorf("the page asked for %s", u)
		}
	}
	if said := p.Said(); len(said) > 0 {
		t.Errorf("the page said %q", said)
	}
	p.Axe()
}
