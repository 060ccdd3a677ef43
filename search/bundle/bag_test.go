package bundle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inwriting/indexer/ledger/anchor/anchortest"
)

// kinds are bundles of every profile and of every kind beside, and the root
// certificate of the authority that stamped some of them.
func kinds(t *testing.T) (out map[string]Input, root map[string]string) {
	t.Helper()
	out, root = map[string]Input{}, map[string]string{}
	for _, p := range Profiles {
		if p == "court" { // another word for court-uk
			continue
		}
		in := fixture(t)
		in.Profile = p
		out[p] = in
	}
	core := fixture(t)
	core.Profile, core.Core = "court-uk", true
	out["core"] = core
	redacted := mailOf(t, note{raw: attach("scan.png", "image/png", base64Of([]byte("\x89PNG"))), said: "Please book the flight for Tuesday."}, note{raw: reply})
	redacted.Redactions = []Redaction{{Words: "Secretco", Reason: "another client"}, {Words: "Tuesday", Reason: "a day"}}
	out["redacted"] = redacted
	withheld := mailOf(t, note{raw: booking, said: "Please book the flight for Tuesday."}, note{raw: reply})
	withheld.Decisions = []Decision{{ID: withheld.Exhibits[1].Ref.Hex(), Withhold: true, Code: "PERSONAL", Reason: "private"}}
	out["withheld"] = withheld
	out["outside"] = withOutside(t)
	tsa := anchortest.Start(t, "one")
	out["stamped"], root["stamped"] = stampedMail(t, tsa, note{raw: booking, said: "Please book the flight for Tuesday."}), tsa.RootFile
	out["another key"], tsa = keyChanged(t)
	root["another key"] = tsa.RootFile
	return out, root
}

// Check 1 in notes/evidence.md, section 12: the bag is valid. bagit.py is in no Debian
// release; testdata/check_bag.py goes through RFC 8493 section by section.
func TestCheck01ValidBag(t *testing.T) {
	tools(t)
	script, err := filepath.Abs("testdata/check_bag.py")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(root string) (string, error) {
		out, err := exec.Command("python3", script, root).CombinedOutput()
		return string(out), err
	}
	all, _ := kinds(t)
	for name, in := range all {
		t.Run(name, func(t *testing.T) {
			root, _ := unpacked(t, in)
			if out, err := valid(root); err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
		})
	}
	// It must be able to fail.
	root, _ := unpacked(t, fixture(t))
	for what, change := range map[string]func() error{
		"added": func() error { return os.WriteFile(filepath.Join(root, "data", "more"), nil, 0o600) },
		"changed": func() error {
			return os.WriteFile(filepath.Join(root, "data", "text", "E0001.txt"), []byte("x"), 0o600)
		},
		"declaration": func() error {
			return os.WriteFile(filepath.Join(root, "bagit.txt"), []byte("BagIt-Version: 0.97\n"), 0o600)
		},
		"removed": func() error { return os.Remove(filepath.Join(root, "data", "eml", "E0001.eml")) },
	} {
		before, _ := valid(root)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if out, err := valid(root); err == nil || out == before {
			t.Errorf("%s: the validator is content", what)
		}
	}
}

// Check 1, for bundles of every kind: whatever is changed, taken away or added is
// noticed by us and by stock tools. Of the stock steps a part is run for each kind;
// INWRITING_EVERY=1 runs all.
func TestCheck01EveryKind(t *testing.T) {
	tools(t)
	every := os.Getenv("INWRITING_EVERY") != ""
	usual := map[string]bool{}
	b, sum := written(t, fixture(t))
	for _, f := range unzip(t, b) {
		usual[strings.TrimPrefix(f.name, sum.Root)] = true // TestCheck01EveryByte has these
	}
	all, roots := kinds(t)
	for kind, in := range all {
		t.Run(kind, func(t *testing.T) {
			b, sum := written(t, in)
			good := unzip(t, b)
			root, verify := unpacked(t, in)
			script := "ROOT=" + roots[kind] + "\n" + stock(t, verify)
			if err := run(t, root, script); err != nil {
				t.Fatalf("the good bundle: %v", err)
			}
			check := func(what string, i int, fs []zipFile) {
				t.Helper()
				if !every && i%40 != 0 && (i < 0 || usual[strings.TrimPrefix(good[i].name, sum.Root)]) {
					return
				}
				if r, err := Verify(bytes.NewReader(rezip(t, fs)), int64(len(rezip(t, fs)))); err == nil && (r.OK || len(r.Problems) == 0) {
					t.Errorf("%s: Verify is content", what)
				}
				if err := run(t, unpack(t, fs), script); err == nil {
					t.Errorf("%s: stock tools are content", what)
				}
			}
			for i, f := range good {
				if len(f.data) > 0 {
					bad := slices.Clone(good)
					bad[i].data = bytes.Clone(f.data)
					bad[i].data[len(f.data)/2] ^= 1
					check("flipped "+f.name, i, bad)
				}
				longer := slices.Clone(good)
				longer[i].data = append(bytes.Clone(f.data), 'x')
				check("longer "+f.name, i, longer)
				check("removed "+f.name, i, slices.Delete(slices.Clone(good), i, i+1))
			}
			for _, name := range []string{"data/note.txt", "note.txt", "proof/keys/9-added.entry", "seal/x"} {
				check("added "+name, -1, append(slices.Clone(good), zipFile{sum.Root + "/" + name, []byte("x")}))
			}
		})
	}
}
