package thread_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/corpora"
	"inwriting/indexer/message"
	"inwriting/indexer/thread"
)

// mailbox reads an mboxrd file.
func mailbox(t *testing.T, path string) []*message.Message {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var ms []*message.Message
	var cur []byte
	flush := func() {
		if len(cur) > 0 {
			ms = append(ms, message.Parse(cur))
		}
		cur = nil
	}
	r := bufio.NewReaderSize(z, 1<<16)
	for {
		line, err := r.ReadBytes('\n')
		switch {
		case bytes.HasPrefix(line, []byte("From ")):
			flush()
		case bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")):
			cur = append(cur, line[1:]...)
		default:
			cur = append(cur, line...)
		}
		if err == io.EOF {
			flush()
			return ms
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func info(m *message.Message) thread.Info {
	in := thread.Info{
		MessageID: m.MessageID, Refs: append(append([]string(nil), m.References...), m.InReplyTo...), ThreadIndex: m.ThreadIndex,
		Subject: m.Subject, Date: m.Date,
	}
	for _, as := range [][]message.Address{m.From, m.To, m.Cc} {
		for _, a := range as {
			if a.Address != "" {
				in.Participants = append(in.Participants, a.Address)
			}
		}
	}
	var own, quoted strings.Builder
	for _, z := range m.Zones {
		switch z.Kind {
		case message.New:
			own.WriteString(m.ZoneText(z) + "\n")
		case message.Quoted, message.Forwarded:
			quoted.WriteString(m.ZoneText(z) + "\n")
		}
	}
	in.NewHashes = thread.Shingles(own.String())
	in.QuotedHashes = thread.Shingles(quoted.String())
	return in
}

func reversed(in []thread.Info) []thread.Info {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

// TestCorpusThreads measures pairs of messages of one thread that come together,
// against the true reply trees of six public lists: as the mails are, and with the
// header fields of threading taken off.
func TestCorpusThreads(t *testing.T) {
	truth := map[string]string{} // Message-ID to root
	lists := map[string]map[string]bool{}
	f, err := os.ReadFile(corpora.Path(t, "corpora", "threads", "truth.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	clean := func(id string) string { return strings.Trim(id, "<> ") }
	for i, l := range strings.Split(string(f), "\n") {
		c := strings.Split(l, "\t")
		if i == 0 || len(c) < 4 {
			continue
		}
		truth[c[0]+" "+clean(c[1])] = c[0] + " " + clean(c[3])
		if lists[c[0]] == nil {
			lists[c[0]] = map[string]bool{}
		}
	}
	type score struct{ hit, got, want int }
	total := map[string]*score{}
	variants := []string{"with headers", "without headers", "quotations only", "subjects only"}
	for list := range lists {
		var infos []thread.Info
		var roots []string
		for _, m := range mailbox(t, corpora.Path(t, "corpora", "threads", list+".mbox.zst")) {
			if root, ok := truth[list+" "+m.MessageID]; ok {
				infos = append(infos, info(m))
				roots = append(roots, root)
			}
		}
		for _, variant := range variants {
			in := append([]thread.Info(nil), infos...)
			for i := range in {
				if variant != "with headers" {
					in[i].Refs, in[i].ThreadIndex = nil, ""
				}
				switch variant {
				case "quotations only":
					in[i].Subject = ""
				case "subjects only":
					in[i].QuotedHashes = nil
				}
			}
			if got, want := thread.Index(reversed(in)), thread.Index(in); len(got) != len(want) {
				t.Errorf("%s, %s: %d conversations, %d when read from the end", list, variant, len(want), len(got))
			}
			var s score
			size := map[string]int{}
			for _, r := range roots {
				size[r]++
			}
			for _, n := range size {
				s.want += n * (n - 1) / 2
			}
			for _, g := range thread.Index(in) {
				s.got += len(g) * (len(g) - 1) / 2
				in := map[string]int{}
				for _, i := range g {
					in[roots[i]]++
				}
				for _, n := range in {
					s.hit += n * (n - 1) / 2
				}
			}
			if total[variant] == nil {
				total[variant] = &score{}
			}
			sum := total[variant]
			sum.hit, sum.got, sum.want = sum.hit+s.hit, sum.got+s.got, sum.want+s.want
			p, r := float64(s.hit)/float64(s.got), float64(s.hit)/float64(s.want)
			t.Logf("%-14s %-16s %4d mails: P %.3f R %.3f F1 %.3f", list, variant, len(infos), p, r, 2*p*r/(p+r))
		}
	}
	for _, variant := range variants {
		s := total[variant]
		p, r := float64(s.hit)/float64(s.got), float64(s.hit)/float64(s.want)
		t.Logf("%-14s %-16s: P %.3f R %.3f F1 %.3f", "all", variant, p, r, 2*p*r/(p+r))
		if want := map[string]float64{"with headers": 0.99, "without headers": 0.95}[variant]; 2*p*r/(p+r) < want {
			t.Errorf("%s: F1 below %.2f", variant, want)
		}
	}
}
