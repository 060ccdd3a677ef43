package bundle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		html, text string
		more       []string
		hidden     []string
	}{
		"the same":           {"<p>Please book <b>Tuesday</b></p>", "Please book Tuesday", nil, nil},
		"other words":        {"<p>Please cancel everything about Wednesday</p>", "Please book Tuesday", []string{"cancel", "everything", "about", "wednesday"}, nil},
		"not displayed":      {`<p>Book<span style="display: none">a secret</span></p>`, "Book", nil, []string{"a secret"}},
		"white on white":     {`<font color="#FFFFFF">unseen</font>`, "", nil, []string{"unseen"}},
		"white on a button":  {`<table><tr><td bgcolor="#00f"><a style="color:white">Press here now</a></td></tr></table>`, "press here now", nil, nil},
		"of one pixel":       {`<div style="FONT-SIZE:1px !important">pre</div>`, "", nil, []string{"pre"}},
		"script is no words": {`<script>var x = "a b c d"</script><style>p{}</style>`, "", nil, nil},
		"spaces are nothing": {`<span style="display:none">&nbsp;&zwnj; </span>`, "", nil, nil},
		"broken":             {`<p <b>Hello</`, "hello", nil, nil},
	} {
		got := compare([]byte(test.html), "utf-8", test.text)
		if diff := cmp.Diff(test.more, got.more); diff != "" {
			t.Errorf("%s: more: %s", name, diff)
		}
		if diff := cmp.Diff(test.hidden, got.hidden); diff != "" {
			t.Errorf("%s: hidden: %s", name, diff)
		}
	}
}

func TestHTMLSaysMore(t *testing.T) {
	raw := strings.Replace(booking, "Subject:", "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\nSubject:", 1)
	raw = strings.Replace(raw, "\n\nPlease", "\n\n--b\nContent-Type: text/plain\n\nPlease", 1) + "--b\nContent-Type: text/html; charset=utf-8\n\n<p>Please cancel my whole trip to Vienna</p><p style=\"display:none\">tracking words</p>\n--b--\n"
	bag, _ := bagOf(t, mailOf(t, note{raw: raw, said: "Please book the flight for Tuesday."}))
	row := tableOf(t, bag["data/exhibits.csv"])[0]
	if row["has_html"] != "true" || row["html_says_more"] != "cancel my whole trip to vienna" || row["hidden_text"] != "tracking words" {
		t.Errorf("%q %q %q", row["has_html"], row["html_says_more"], row["hidden_text"])
	}
	said := flat(stockPDF(t, []byte(bag["data/bundle.pdf"]), "pdftotext", "FILE", "-"))
	for _, want := range []string{"does not have: cancel my whole trip to vienna", "does not show: tracking words"} {
		if !strings.Contains(said, want) {
			t.Errorf("the print lacks %q", want)
		}
	}
}
