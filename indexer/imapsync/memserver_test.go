package imapsync_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
	"inwriting/indexer/imapsync/imaptest"
)

// go-imap's memory server sets \Seen for any BODY[] without PEEK, EXAMINE or
// not: it tells on us if we ever leave PEEK away.
func TestMemServer(t *testing.T) {
	leakCheck(t)
	user := imapmemserver.NewUser("nora", "pass")
	var refs []archive.Ref
	for _, name := range []string{"INBOX", "Entwürfe"} {
		if err := user.Create(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 30 {
		raw := imaptest.Wire(mail(n))
		refs = append(refs, ref(raw))
		if _, err := user.Append("INBOX", literalReader{bytes.NewReader(raw)}, &imap.AppendOptions{Time: time.Unix(1700000000, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
		InsecureAuth: true,
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		server.Serve(ln)
		close(served)
	}()
	defer func() {
		server.Close()
		<-served
	}()
	p := imaptest.NewProxy(t, ln.Addr().String(), imaptest.Fault{})
	a := imapsync.Account{
		Address: "nora@deskandco.example", Username: "nora", Server: "insecure://" + p.Addr,
		Password: func(context.Context) (string, error) { return "pass", nil },
	}
	st := imaptest.NewStore()
	res := run(t, a, st, imapsync.Options{})
	holds(t, st, "INBOX", refs)
	for _, f := range res.Folders {
		if !f.Clean || strings.HasPrefix(f.Name, "Entw") && f.Display != "Entwürfe" {
			t.Errorf("%q (%q): %s", f.Name, f.Display, counts(f))
		}
	}
	res = run(t, a, st, imapsync.Options{})
	if f := folder(t, res, "INBOX"); f.New != 0 || f.Flags != 0 {
		t.Errorf("second pass: %s", counts(f))
	}
	unseen, err := user.Status("INBOX", &imap.StatusOptions{NumUnseen: true})
	if err != nil {
		t.Fatal(err)
	}
	if *unseen.NumUnseen != 30 {
		t.Errorf("%d of 30 messages are unseen", *unseen.NumUnseen)
	}
}

type literalReader struct{ *bytes.Reader }

func (r literalReader) Size() int64 { return r.Reader.Size() }
