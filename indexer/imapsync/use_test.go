package imapsync

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNameUses(t *testing.T) {
	plain := func(names ...string) (out []FolderInfo) {
		for _, n := range names {
			out = append(out, FolderInfo{Name: n, Display: n, Delim: "/"})
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		folders []FolderInfo
		want    map[string]string
	}{
		{"common languages", plain("INBOX", "Gesendet", "Envoyés", "Enviados", "Ipinadala", "送信済みアイテム", "Papierkorb", "Spam", "Entwürfe", "Archiv", "Clients"),
			map[string]string{"Gesendet": `\Sent`, "Envoyés": `\Sent`, "Enviados": `\Sent`, "Ipinadala": `\Sent`, "送信済みアイテム": `\Sent`, "Papierkorb": `\Trash`, "Spam": `\Junk`, "Entwürfe": `\Drafts`, "Archiv": `\Archive`}},
		{"below the inbox", plain("INBOX", "INBOX/Sent Items", "Clients/Sent", "a/b/Trash"), map[string]string{"INBOX/Sent Items": `\Sent`}},
		{"the server's word", append(plain("INBOX", "Sent"), FolderInfo{Name: "Ausgang", Display: "Ausgang", Attrs: []string{`\hasnochildren`, `\sent`}}), map[string]string{"Ausgang": `\Sent`}},
		{"all mail is none of them", []FolderInfo{{Name: "Archive", Display: "Archive", Attrs: []string{`\All`}}}, map[string]string{}},
	} {
		nameUses(tt.folders)
		got := map[string]string{}
		for _, f := range tt.folders {
			if f.Use != "" {
				got[f.Name] = f.Use
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestExcludedByUse(t *testing.T) {
	folders := []FolderInfo{{Name: "INBOX", Display: "INBOX"}, {Name: "Lixeira", Display: "Lixeira"}, {Name: "Enviados", Display: "Enviados"}, {Name: "Lists/go", Display: "Lists/go", Delim: "/"}}
	nameUses(folders)
	for _, tt := range []struct {
		a    Account
		want []bool
	}{
		{Account{}, []bool{false, false, false, false}},
		{Account{Exclude: []string{`\Trash`, "Lists/*"}}, []bool{false, true, false, true}},
		{Account{Include: []string{"Inbox", `\Sent`}}, []bool{false, true, false, true}},
		{Account{Include: []string{"*"}, Exclude: []string{"inbox"}}, []bool{true, false, false, false}},
	} {
		for i, f := range folders {
			if got := excluded(f, tt.a); got != tt.want[i] {
				t.Errorf("%+v: %s: %v", tt.a, f.Name, got)
			}
		}
	}
}
