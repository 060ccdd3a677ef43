//go:build unix

package imaptest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/imapsync"
)

// Storm is a mailbox with which another program does as it likes, from a seed.
type Storm struct {
	Server *Server
	User   string
	Rand   *rand.Rand

	folders []string
	known   map[archive.Ref]bool // every message that was ever there
	next    int
	renamed int
}

// StormSize reads how many faults a test lets act, INWRITING_FAULTS or else few, and
// the seed they come from, INWRITING_SEED or else the time, which it logs.
func StormSize(t testing.TB, few int) (faults int, seed uint64) {
	t.Helper()
	faults, seed = few, uint64(time.Now().UnixNano())
	var err error
	if v := os.Getenv("INWRITING_FAULTS"); v != "" {
		if faults, err = strconv.Atoi(v); err != nil {
			t.Fatalf("INWRITING_FAULTS: %v", err)
		}
	}
	if v := os.Getenv("INWRITING_SEED"); v != "" {
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatalf("INWRITING_SEED: %v", err)
		}
	}
	t.Logf("INWRITING_SEED=%d", seed)
	return faults, seed
}

// NewStorm fills a mailbox with a few messages in three folders.
func NewStorm(t testing.TB, s *Server, user string, r *rand.Rand) *Storm {
	t.Helper()
	w := &Storm{Server: s, User: user, Rand: r, folders: []string{"INBOX", "Work/Hale", "Sent"}, known: map[archive.Ref]bool{}}
	for _, f := range w.folders {
		for range 8 {
			if err := w.deliver(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

// Delivered returns how many messages were put into the mailbox so far.
func (w *Storm) Delivered() int { return w.next }

// Known says whether a message was ever in the mailbox.
func (w *Storm) Known(r archive.Ref) bool { return w.known[r] }

func (w *Storm) deliver(folder string) error {
	w.next++
	raw := fmt.Appendf(nil, "From: Nora <nora@deskandco.example>\r\nSubject: Drawing %d\r\nMessage-ID: <%s.%d@deskandco.example>\r\n\r\n", w.next, w.User, w.next)
	switch w.Rand.IntN(6) {
	case 0:
		raw = append(raw, "no line end at the end"...)
	case 1: // what looks like IMAP
		raw = fmt.Appendf(raw, ")\r\n* %d FETCH (UID %d FLAGS (\\Seen))\r\nX2 OK done\r\n{5}\r\n", w.next, w.next)
	case 2:
		raw = append(raw, "\xff\xfe eight bits \x80\x01 and a lone \r in a line\r\n"...)
	case 3:
		raw = append(raw, strings.Repeat("x", 3000)+"\r\n"...)
	case 4:
		raw = append(raw, strings.Repeat("The door is on the left.\r\n", 1+w.Rand.IntN(200))...)
	}
	w.known[sha256.Sum256(Wire(raw))] = true
	if w.Rand.IntN(3) == 0 {
		return w.Server.DeliverSeen(w.User, folder, "S", raw)
	}
	return w.Server.Deliver(w.User, folder, raw)
}

// Deliver puts n new messages into folders.
func (w *Storm) Deliver(n int) error {
	for range n {
		if err := w.deliver(w.folders[w.Rand.IntN(len(w.folders))]); err != nil {
			return err
		}
	}
	return nil
}

// Change lets the other program do one thing: mostly it delivers, reads or deletes a
// message, at times it moves one, renumbers a folder, renames it or makes it anew.
// It returns what it did.
func (w *Storm) Change() (string, error) {
	r := w.Rand
	folder := w.folders[r.IntN(len(w.folders))]
	st, err := w.Server.Status(w.User, folder)
	if err != nil {
		return "", err
	}
	n := int(st.Messages)
	k := r.IntN(100)
	switch {
	case k < 45 || n < 5:
		return "deliver", w.deliver(folder)
	case k < 60:
		_, err = w.Server.Do(w.User, folder, fmt.Sprintf(`STORE %d:* +FLAGS (\Flagged)`, 1+r.IntN(n)), fmt.Sprintf(`STORE 1:%d -FLAGS (\Flagged)`, 1+r.IntN(n)))
		return "flags in " + folder, err
	case k < 80 || n < 12:
		_, err = w.Server.Do(w.User, folder, fmt.Sprintf(`STORE %d +FLAGS (\Deleted)`, 1+r.IntN(n)), "EXPUNGE")
		return "expunge from " + folder, err
	case k < 88:
		to := w.folders[(slices.Index(w.folders, folder)+1)%len(w.folders)]
		_, err = w.Server.Do(w.User, folder, fmt.Sprintf(`COPY %d "%s"`, 1+r.IntN(n), w.Server.Name(to)), fmt.Sprintf(`STORE %d +FLAGS (\Deleted)`, 1+r.IntN(n)), "EXPUNGE")
		return "copy and expunge from " + folder, err
	case folder == "INBOX":
		return "deliver", w.deliver(folder)
	case k < 93:
		return "renumber " + folder, w.Server.Renumber(w.User, folder, uint32(st.UIDValidity)+1)
	case k < 97:
		w.folders = slices.DeleteFunc(w.folders, func(f string) bool { return f == folder })
		w.renamed++
		to := fmt.Sprintf("Work/%d", w.renamed)
		_, err = w.Server.Do(w.User, "INBOX", fmt.Sprintf(`RENAME "%s" "%s"`, w.Server.Name(folder), w.Server.Name(to)))
		w.folders = append(w.folders, to)
		return "rename " + folder + " to " + to, err
	}
	if _, err = w.Server.Do(w.User, "INBOX", fmt.Sprintf(`DELETE "%s"`, w.Server.Name(folder))); err != nil {
		return "", err
	}
	return "make " + folder + " anew", w.deliver(folder)
}

// Settle lets a mail program open all folders. Courier numbers what is new only then.
func (w *Storm) Settle() error {
	if w.Server.Brand != "courier" {
		return nil
	}
	for _, f := range w.folders {
		if _, err := w.Server.Do(w.User, f, "NOOP"); err != nil {
			return err
		}
	}
	return nil
}

// Snapshot is Server.Snapshot of all folders.
func (w *Storm) Snapshot() (string, error) { return w.Server.Snapshot(w.User, w.folders...) }

// Held returns what each folder of the server holds, by UID; folders are named as on
// the wire.
func (w *Storm) Held() (map[string]map[uint32]archive.Ref, error) {
	out := map[string]map[uint32]archive.Ref{}
	for _, f := range w.folders {
		held, err := w.Server.Held(w.User, f)
		if err != nil {
			return nil, err
		}
		in := map[uint32]archive.Ref{}
		for uid, raw := range held {
			in[uid] = sha256.Sum256(raw)
		}
		out[w.Server.Name(f)] = in
	}
	return out, nil
}

// Account returns settings that go through a proxy on which faults act, any of them,
// at most most times.
func (w *Storm) Account(t testing.TB, most int) (imapsync.Account, *Proxy) {
	p := NewProxy(t, w.Server.Addr, Fault{Random: rand.New(rand.NewPCG(w.Rand.Uint64(), 1)), At: 1 + w.Rand.IntN(8), Times: most})
	a := w.Server.Account(w.User)
	a.Server = "insecure://" + p.Addr
	return a, p
}
