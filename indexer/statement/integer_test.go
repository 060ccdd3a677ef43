package statement

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReadingIsOfWholeNumbers: floating point sums differ between processors (a
// fused multiply and add rounds once), and the same mail must be read alike on
// all. Floats may only carry a finished hundredth to the outside.
func TestReadingIsOfWholeNumbers(t *testing.T) {
	allowed := map[string]int{"statement.go": 3, "read.go": 2, "classify.go": 1, "calibrate.go": 4}
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	set := gotoken.NewFileSet()
	got := map[string]int{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, im := range file.Imports {
			if slices.Contains([]string{`"math"`, `"math/rand"`, `"time/tzdata"`}, im.Path.Value) {
				t.Errorf("%s imports %s", name, im.Path.Value)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				got[name]++
			}
			return true
		})
	}
	for name, n := range got {
		if n > allowed[name] {
			t.Errorf("%s: floating point in %d places, want at most %d", name, n, allowed[name])
		}
	}
}
