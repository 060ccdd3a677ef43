package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	. "inwriting/indexer/archive/archivetest"
	"inwriting/indexer/durable/durabletest"
)

// These tests are the archive's part of the acceptance checks in notes/evidence.md,
// section 12, by their numbers there.

// forty makes one segment of 40 messages in five frames of eight.
func forty(t testing.TB) (seg []byte, known []archive.Known) {
	t.Helper()
	dir := t.TempDir()
	a := fresh(t, dir, archive.Options{})
	blobs := Blobs(t, 0, 40)
	for i := 0; i < 40; i += 8 {
		known = append(known, MustAppend(t, a, blobs[i:i+8])...)
	}
	a.Close()
	seg, err := os.ReadFile(filepath.Join(dir, "000001.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	return seg, known
}

// stock is what GNU tar makes of octets.
type stock struct {
	exit      int
	says      string
	good, bad int // files whose content is that of their name, and others
}

func unpack(t testing.TB, command string, files map[string][]byte) stock {
	t.Helper()
	dir, out := t.TempDir(), t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("sh", "-c", command)
	c.Dir = dir
	c.Env = append(os.Environ(), "OUT="+out, "LC_ALL=C")
	said, err := c.CombinedOutput()
	var s stock
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		s.exit = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	s.says = string(said)
	des, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, de := range des {
		b, err := os.ReadFile(filepath.Join(out, de.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if hex.EncodeToString(sum[:])+".eml" == de.Name() {
			s.good++
		} else {
			s.bad++
		}
	}
	return s
}

func skippable(content []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{0x50, 0x2A, 0x4D, 0x18}, uint32(len(content)))
	return append(b, content...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Check 18: what stock tools make of a segment, whole and damaged: each row of the
// table in notes/evidence.md, section 2.3.
func TestCheck18StockTools(t *testing.T) {
	tools(t, "tar", "zstd")
	seg, known := forty(t)
	start := func(frame int) int64 { return known[8*frame].Place.FrameOffset }
	last := start(4)
	two := make([]byte, 2*512) // end-of-archive blocks
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks := enc.EncodeAll(two, nil)
	flipped := bytes.Clone(seg)
	flipped[start(1)+known[8].Place.FrameLength/2] ^= 0x10
	const plain = `tar --zstd -C "$OUT" -xf s`
	for _, tt := range []struct {
		name    string
		seg     []byte
		command string
		exit    int
		says    []string // one of them; none: it says nothing
		good    int      // exactly; -1: from 32 up
		bad     int      // at most
	}{
		{"whole", seg, plain, 0, nil, 40, 0},
		{"whole, all warnings", seg, `tar --warning=all --zstd -C "$OUT" -xf s`, 0, nil, 40, 0},
		{"listed", seg, `test $(tar --zstd -tf s | wc -l) = 40 && ` + plain, 0, nil, 40, 0},
		{"zstd first", seg, `zstd -dcq s | tar -C "$OUT" -xf -`, 0, nil, 40, 0},
		{"cut at once in the last frame", seg[:last+2], plain, 2, []string{"unknown header", "premature end"}, 32, 0},
		{"cut in the last frame", seg[:last+9], plain, 2, []string{"premature end"}, 32, 0},
		{"cut far in the last frame", seg[:len(seg)-len(seg[last:])/3], plain, 2, []string{"premature end"}, -1, 1},
		{"one octet short", seg[:len(seg)-1], plain, 2, []string{"premature end"}, -1, 1},
		{"cut between frames", seg[:last], plain, 0, nil, 32, 0},
		{"zeros behind the last frame", join(seg[:last], make([]byte, 4096)), plain, 2, []string{"unsupported format"}, 32, 0},
		{"a frame behind a torn one", join(seg[:last-7], seg[last:]), plain, 2, []string{"corruption detected", "doesn't match checksum"}, -1, 1},
		{"one bit flipped in frame 2", flipped, plain, 2, []string{"doesn't match checksum", "corruption detected"}, -2, 2},
		{"skippable frames between and at the end", join(seg[:start(2)], skippable([]byte("index")), seg[start(2):], skippable(nil)), plain, 0, nil, 40, 0},
		{"two zero blocks as last frame", join(seg, blocks), plain, 0, nil, 40, 0},
		{"joined segments", seg, `cat s s > b && tar --zstd -C "$OUT" -xf b`, 0, nil, 40, 0},
		{"joined with zero blocks between", join(seg[:start(2)], blocks, seg[start(2):]), plain, 0, nil, 16, 0},
		{"the same, read on", join(seg[:start(2)], blocks, seg[start(2):]), `tar -i --zstd -C "$OUT" -xf s`, 0, nil, 40, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := unpack(t, tt.command, map[string][]byte{"s": tt.seg})
			if got.exit != tt.exit {
				t.Errorf("exit %d, want %d: %s", got.exit, tt.exit, got.says)
			}
			said := got.says == "" && tt.says == nil
			for _, s := range tt.says {
				said = said || strings.Contains(got.says, s)
			}
			if !said {
				t.Errorf("it says %q, want one of %q", got.says, tt.says)
			}
			switch {
			case tt.good >= 0 && got.good != tt.good, tt.good == -1 && got.good < 32-8, tt.good == -2 && got.good < 8, got.bad > tt.bad:
				t.Errorf("%d good and %d bad files, want %d and at most %d", got.good, got.bad, tt.good, tt.bad)
			}
		})
	}
	// What stock tar gives up, the archive itself still reaches frame by frame.
	a := open(t, written(t, flipped), archive.Options{})
	st, err := a.Verify(context.Background(), Seq(known), func(archive.Damage) {})
	if err != nil || st.Messages < 32 {
		t.Errorf("Verify: %+v, %v", st, err)
	}
}

// Check 15, the archive's half: the octets are gone, everything else is where it was
// and stock tools still read all of it.
func TestCheck15Blank(t *testing.T) {
	tools(t, "tar", "zstd")
	for name, frames := range map[string][]int{"first": {0}, "middle": {2}, "last": {4}, "neighbours": {1, 2}, "all": {0, 1, 2, 3, 4}} {
		t.Run(name, func(t *testing.T) {
			seg, known := forty(t)
			dir := written(t, seg)
			path := filepath.Join(dir, "000001.tar.zst")
			if err := os.Chmod(path, 0o400); err != nil { // as a closed segment is
				t.Fatal(err)
			}
			a := open(t, dir, archive.Options{})
			if _, _, err := a.Recover(archive.EndOf(known[39].Place)); err != nil {
				t.Fatal(err)
			}
			var ranges []archive.Range
			gone := map[int]bool{}
			for _, f := range frames {
				p := known[8*f].Place
				ranges = append(ranges, archive.Range{Segment: p.Segment, Offset: p.FrameOffset, Length: p.FrameLength})
				gone[f] = true
			}
			for range 2 {
				if err := a.Blank(ranges); err != nil {
					t.Fatal(err)
				}
			}
			var kept []archive.Known
			for i, k := range known {
				if !gone[i/8] {
					kept = append(kept, k)
				} else if _, err := Read(a, k.Ref, k.Place); err == nil {
					t.Errorf("message %d can still be read", i)
				}
			}
			Check(t, a, kept)
			now, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range ranges {
				if !bytes.Equal(now[r.Offset+8:r.Offset+r.Length], make([]byte, r.Length-8)) {
					t.Errorf("octets are left at %d", r.Offset)
				}
			}
			if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o400 {
				t.Errorf("mode %v, %v", fi.Mode(), err)
			}
			if got := unpack(t, `tar --zstd -C "$OUT" -xf s`, map[string][]byte{"s": now}); got.exit != 0 || got.says != "" || got.good != len(kept) || got.bad != 0 {
				t.Errorf("stock tar: %+v, want %d messages", got, len(kept))
			}
			a.Close()
			// A new start goes over it, and appends behind it.
			a = open(t, dir, archive.Options{})
			adopted, torn, err := a.Recover(archive.End{})
			if err != nil || torn != nil || len(adopted) != len(kept) {
				t.Fatalf("Recover: %d adopted, torn %+v, %v", len(adopted), torn, err)
			}
			Check(t, a, append(kept, MustAppend(t, a, Blobs(t, 50, 52))...))
		})
	}
}

// A crash at any write of Blank leaves an archive that opens, and a second Blank
// finishes.
func TestBlankInterrupted(t *testing.T) {
	for i := range 12 {
		n, short := 1+i/4, []int{0, 3, 6, 20}[i%4]
		seg, known := forty(t)
		dir := written(t, seg)
		fsys := &durabletest.FS{}
		a := open(t, dir, archive.Options{FS: fsys})
		if _, _, err := a.Recover(archive.EndOf(known[39].Place)); err != nil {
			t.Fatal(err)
		}
		p := known[8].Place
		frame := []archive.Range{{Segment: p.Segment, Offset: p.FrameOffset, Length: p.FrameLength}}
		fsys.FailWrite, fsys.Short = n, short
		err := a.Blank(frame)
		a.Close()
		a = open(t, dir, archive.Options{})
		if _, torn, rerr := a.Recover(archive.EndOf(known[39].Place)); rerr != nil || torn != nil {
			t.Fatalf("write %d: %v, then torn %+v, %v", n, err, torn, rerr)
		}
		if err := a.Blank(frame); err != nil {
			t.Fatal(err)
		}
		Check(t, a, append(known[:8:8], known[16:]...))
		a.Close()
		if (err == nil) != (n > 2) {
			t.Errorf("write %d: %v", n, err)
		}
	}
}

func TestBlankRefuses(t *testing.T) {
	seg, known := forty(t)
	a := open(t, written(t, seg), archive.Options{})
	p := known[8].Place
	if err := a.Blank([]archive.Range{{Segment: 1, Offset: p.FrameOffset, Length: p.FrameLength}}); !errors.Is(err, archive.ErrNotRecovered) {
		t.Errorf("before Recover: %v", err)
	}
	if _, _, err := a.Recover(archive.EndOf(known[39].Place)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []archive.Range{
		{Segment: 1, Offset: p.FrameOffset + 1, Length: p.FrameLength - 1},
		{Segment: 1, Offset: p.FrameOffset, Length: p.FrameLength - 1},
		{Segment: 1, Offset: p.FrameOffset, Length: int64(len(seg))},
		{Segment: 2, Offset: 0, Length: 100},
	} {
		if err := a.Blank([]archive.Range{r}); err == nil {
			t.Errorf("%+v is erased", r)
		}
	}
	Check(t, a, known)
}

// Octets in a skippable frame that nobody erased are named.
func TestSkippableIsNoHidingPlace(t *testing.T) {
	seg, known := forty(t)
	at := known[16].Place.FrameOffset
	hidden := skippable([]byte("hidden"))
	a := open(t, written(t, join(seg[:at], hidden, seg[at:])), archive.Options{})
	var got []archive.Damage
	moved := append([]archive.Known(nil), known...)
	for i := 16; i < 40; i++ {
		moved[i].Place.FrameOffset += int64(len(hidden))
	}
	if _, err := a.Verify(context.Background(), Seq(moved), func(d archive.Damage) { got = append(got, d) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Kind != archive.Added || got[0].Range != (archive.Range{Segment: 1, Offset: at, Length: int64(len(hidden))}) {
		t.Errorf("%+v", got)
	}
}

func TestRemoveTorn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"torn-000001-7", "torn-000002-99", "torn", "000001.tar.zst"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := open(t, dir, archive.Options{})
	got, err := a.RemoveTorn()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"torn-000001-7", "torn-000002-99"}, got); d != "" {
		t.Error(d)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("%v left", left)
	}
}
