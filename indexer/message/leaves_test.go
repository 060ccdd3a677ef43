package message

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadLeaves(t *testing.T) {
	mail := "Subject: two files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee files.\r\n" +
		"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nInner words\r\n--b--\r\n"
	got := map[string]*bytes.Buffer{}
	m, err := ReadLeaves(strings.NewReader(mail), func(l Leaf) io.Writer {
		b := &bytes.Buffer{}
		got[fmt.Sprintf("%s %s %s %v %v", l.Number, l.ContentType, l.Name, l.Text, l.Foreign)] = b
		return b
	})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for k, b := range got {
		have[k] = b.String()
	}
	want := map[string]string{"1 text/plain  true false": "See files.", "2 application/pdf a.pdf false false": "hello",
		"3 message/rfc822  false false": "Subject: inner\r\n\r\nInner words", "3.1 text/plain  false true": "Inner words"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Parse([]byte(mail)), m); diff != "" {
		t.Errorf("another message than Parse gives:\n%s", diff)
	}
	if m.Parts[0].SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte("hello"))) {
		t.Errorf("%+v", m.Parts)
	}
}
