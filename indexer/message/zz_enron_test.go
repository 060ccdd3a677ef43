package message

import (
	"fmt"
	"testing"
)

func TestZZEnronHeader(t *testing.T) {
	n := 0
	eachTarred(t, shared(t, "corpora", "bulk", "enron-inbox.tar.zst"), func(name string, b []byte) bool {
		m := Parse(b)
		for _, d := range m.Defects {
			if d.Code == "header-line-malformed" || d.Code == "header-unclosed" || d.Code == "date-unreadable" || d.Code == "address-malformed" {
				if n++; n < 30 {
					fmt.Println(name, d.Text)
				}
			}
		}
		return true
	})
	fmt.Println(n)
}
