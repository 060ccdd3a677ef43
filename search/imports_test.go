package search

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "inwriting"

// rules say which way imports point. A pattern is a package, or a tree when it
// ends in "/..."; "std:" marks the standard library.
var rules = []struct {
	from, except []string
	never        []string
	why          string
}{
	{
		from:  []string{"search/..."},
		never: []string{"indexer", "indexer/imapsync", "indexer/importer"},
		why:   "search answers from what the stores hold; it must not be able to collect, and works where nothing collects",
	},
	{
		from:  []string{"indexer/..."},
		never: []string{"search/..."},
		why:   "what is written must not depend on how it will be asked for; the two halves meet only in the stores that cmd opens",
	},
	{
		from: []string{"..."}, except: []string{"cmd/...", "config/..."},
		never: []string{"config/..."},
		why:   "only cmd knows the configuration file and turns it into each package's own options",
	},
	{
		from: []string{"..."}, except: []string{"cmd/..."},
		never: []string{"cmd/..."},
		why:   "commands are the outermost layer",
	},
	{
		from:  []string{"indexer/message", "indexer/statement", "indexer/thread", "search/query"},
		never: []string{"std:os", "std:os/...", "std:net", "std:net/http/...", "std:log/...", "std:syscall", "indexer/archive", "indexer/catalog", "indexer/textindex"},
		why:   "reading takes bytes or values and returns values, without files, network or logger, so that it gives the same everywhere",
	},
	{
		from:  []string{"search/trail"},
		never: []string{"search", "indexer/catalog", "indexer/textindex", "indexer/ledger", "std:os", "std:net", "std:log/..."},
		why:   "a trail is drawn from a Source and from nothing else: the same records give the same bytes",
	},
	{
		from:  []string{"indexer/archive", "indexer/ledger", "indexer/durable"},
		never: []string{"indexer/message", "indexer/statement", "indexer/thread", "indexer/catalog", "indexer/textindex"},
		why:   "evidence is kept without being understood, and can be checked without the rest",
	},
	{
		from:  []string{"search/bundle/..."},
		never: []string{"search", "indexer/catalog", "indexer/textindex"},
		why:   "verifying a bundle needs the bundle and a key: no index, no catalog, no daemon",
	},
	{
		from: []string{"search/..."}, except: []string{"search"},
		never: []string{"indexer/catalog", "indexer/textindex"},
		why:   "interfaces and pages hold a search.Searcher, so that a fake or another store can stand behind it",
	},
	{
		from: []string{"..."}, except: []string{"indexer/textindex"},
		never: []string{"github.com/blevesearch/..."},
		why:   "the index engine is the business of one package, so that another can take its place",
	},
	{
		from: []string{"..."}, except: []string{"indexer/catalog"},
		never: []string{"modernc.org/sqlite/...", "std:database/sql/..."},
		why:   "the catalog's database is the business of one package, so that another can take its place",
	},
}

// Imports of tests are free: a test may put the halves together.
func TestImports(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not here")
	}
	cmd := exec.Command(goTool, "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	packages := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], module+"/")
		packages++
		for _, imported := range fields[1:] {
			for _, r := range rules {
				if matches(r.from, from) && !matches(r.except, from) && matches(r.never, local(imported)) {
					t.Errorf("%s imports %s: %s", from, imported, r.why)
				}
			}
		}
	}
	if packages < 10 {
		t.Errorf("go list named only %d packages", packages)
	}
}

// The engine reads through Store. The vault's files put a Store over its own.
func TestEngineReadsThroughStore(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		if strings.HasPrefix(name, "vault") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if matches([]string{"indexer/catalog", "indexer/ledger"}, local(path)) {
				t.Errorf("%s imports %s: the engine reads through Store, so that another catalog can stand behind it", name, path)
			}
		}
	}
}

// local names a package as the rules do.
func local(path string) string {
	if p, ok := strings.CutPrefix(path, module+"/"); ok {
		return p
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return "std:" + path
	}
	return path
}

func matches(patterns []string, path string) bool {
	for _, p := range patterns {
		tree, isTree := strings.CutSuffix(p, "...")
		switch {
		case p == "...":
			if !strings.HasPrefix(path, "std:") {
				return true
			}
		case isTree && (strings.HasPrefix(path, tree) || path == strings.TrimSuffix(tree, "/")):
			return true
		case p == path:
			return true
		}
	}
	return false
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"indexer", "indexer", true},
		{"indexer", "indexer/archive", false},
		{"indexer/...", "indexer", true},
		{"indexer/...", "indexer/archive", true},
		{"indexer/...", "indexers", false},
		{"...", "search", true},
		{"...", "std:os", false},
		{"std:os", "std:os", true},
		{"std:net", "std:net/mail", false},
		{"github.com/blevesearch/...", "github.com/blevesearch/bleve/v2", true},
	} {
		if got := matches([]string{tt.pattern}, tt.path); got != tt.want {
			t.Errorf("%s fits %s: %v, want %v", tt.path, tt.pattern, got, tt.want)
		}
	}
	for in, want := range map[string]string{"inwriting/search": "search", "os/exec": "std:os/exec", "golang.org/x/text": "golang.org/x/text"} {
		if got := local(in); got != want {
			t.Errorf("local(%q) = %q, want %q", in, got, want)
		}
	}
}
