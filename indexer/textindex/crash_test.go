package textindex

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const crashEnv = "TEXTINDEX_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := fillForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crashMessage is the nth message that the killed process commits.
func crashMessage(n int) Message {
	m := Message{ID: fmt.Sprintf("%064x", n), Date: day(1 + n%28), Subject: "crash", From: []Address{martin}, Text: fmt.Sprintf("message number n%d of the flight", n)}
	for _, start := range []int{0, len("message ")} {
		m.Statements = append(m.Statements, Statement{Start: start, End: len(m.Text), Kind: "terms"})
	}
	return m
}

// fillForever commits batches of 20 from two goroutines and prints the number
// of each message once it is acknowledged. It goes on where it was killed.
func fillForever(dir string) error {
	ix, err := Open(dir, Options{Reader: "crash"})
	if err != nil {
		return err
	}
	fmt.Println("open")
	start, err := strconv.Atoi(os.Getenv(crashEnv + "_START"))
	if err != nil {
		return err
	}
	errs := make(chan error)
	for worker := range 2 {
		go func() {
			for from := start + 20*worker; ; from += 40 {
				b := ix.NewBatch()
				var done strings.Builder
				for n := from; n < from+20; n++ {
					m := crashMessage(n)
					if err := b.Put(&m); err != nil {
						errs <- err
						return
					}
					fmt.Fprintln(&done, n)
				}
				if err := b.Commit(); err != nil {
					errs <- err
					return
				}
				os.Stdout.WriteString(done.String()) // one write: lines stay whole
			}
		}()
	}
	return <-errs
}

// A process that is killed at any moment leaves an index that opens, with
// everything that Commit acknowledged and nothing half.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills ten processes")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "index")
	rnd := rand.New(rand.NewPCG(uint64(os.Getpid()), 9))
	acknowledged := map[int]bool{}
	next := 0
	for round := range 10 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashEnv+"="+dir, crashEnv+"_START="+strconv.Itoa(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "open" {
			t.Fatalf("round %d: the process did not open the index", round)
		}
		kill := time.AfterFunc(time.Duration(rnd.IntN(400))*time.Millisecond, func() { cmd.Process.Kill() })
		most := next
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				break // the last line was cut
			}
			acknowledged[n] = true
			most = max(most, n+1)
		}
		cmd.Wait()
		kill.Stop()
		next = most + 40

		ix, err := Open(dir, Options{Reader: "crash"})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		var ids []string
		for n := range acknowledged {
			ids = append(ids, crashMessage(n).ID)
		}
		missing, err := ix.Missing(ids)
		if err != nil || len(missing) > 0 {
			t.Fatalf("round %d: %d of %d acknowledged messages are missing (%v)", round, len(missing), len(ids), err)
		}
		messages, err := ix.Count()
		if err != nil || messages < len(acknowledged) {
			t.Fatalf("round %d: %d messages, %v; acknowledged %d", round, messages, err, len(acknowledged))
		}
		for n := range next {
			m := crashMessage(n)
			has, err := ix.Has(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if !has {
				continue
			}
			q := Phrase{Text: fmt.Sprintf("number n%d", n)}
			if res, err := ix.Search(context.Background(), Request{Query: q, Statements: true}); err != nil || res.Total != 2 {
				t.Fatalf("round %d: message %d is there with %+v of its statements, %v", round, n, res, err)
			}
		}
		if err := ix.Err(); err != nil {
			t.Fatal(err)
		}
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was ever acknowledged: the test tested nothing")
	}
	t.Logf("%d messages acknowledged over 10 kills", len(acknowledged))
}
