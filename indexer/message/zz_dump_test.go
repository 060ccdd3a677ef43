package message

import (
	"fmt"
	"os"
	"testing"
)

func TestZZDump(t *testing.T) {
	for _, f := range filepathSplit(os.Getenv("DUMP")) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m := Parse(b)
		fmt.Printf("=== %s\nFrom %v To %v Subj %q Date %v\n", f, m.From, m.To, m.Subject, m.Date)
		for _, d := range m.Defects {
			fmt.Println("  defect", d.Code, d.Text)
		}
		for _, p := range m.Parts {
			fmt.Printf("  part %+v\n", p)
		}
		for _, z := range m.Zones {
			fmt.Printf("[[%s]]\n%s", z.Kind, m.Text[z.Start:z.End])
		}
	}
}

func filepathSplit(s string) []string {
	var out []string
	for _, x := range splitFields(s) {
		out = append(out, x)
	}
	return out
}
func splitFields(s string) (out []string) {
	cur := ""
	for _, r := range s + "\n" {
		if r == '\n' {
			if cur != "" {
				out = append(out, cur)
			}
			cur = ""
		} else {
			cur += string(r)
		}
	}
	return
}
