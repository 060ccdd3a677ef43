package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"inwriting/indexer/archive"
	. "inwriting/indexer/archive/archivetest"
	"inwriting/indexer/durable/durabletest"
)

// small makes several frames and segments out of little mail.
var small = archive.Options{GroupSize: 8 << 10, SegmentSize: 24 << 10}

func open(t testing.TB, dir string, opts archive.Options) *archive.Archive {
	t.Helper()
	a, err := archive.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// fresh is a new archive, ready to be appended to.
func fresh(t testing.TB, dir string, opts archive.Options) *archive.Archive {
	t.Helper()
	a := open(t, dir, opts)
	if _, torn, err := a.Recover(archive.End{}); err != nil || torn != nil {
		t.Fatalf("Recover: torn %+v, %v", torn, err)
	}
	return a
}

func TestSuite(t *testing.T) {
	for name, opts := range map[string]archive.Options{"default": {}, "small": small, "no cache": {CacheFrames: 1}} {
		t.Run(name, func(t *testing.T) {
			Test(t, func(t testing.TB, dir string) Store { return open(t, dir, opts) })
		})
	}
}

func TestSegmentsOnDisk(t *testing.T) {
	dir := t.TempDir()
	a := fresh(t, dir, small)
	known := MustAppend(t, a, Blobs(t, 0, 200))
	known = append(known, MustAppend(t, a, Blobs(t, 200, 210))...)
	a.Close()
	segs, err := filepath.Glob(filepath.Join(dir, "*.tar.zst"))
	if err != nil || len(segs) < 3 {
		t.Fatalf("segments %v, %v; want at least 3", segs, err)
	}
	for i, s := range segs {
		fi, err := os.Stat(s)
		if err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(0o400)
		if i == len(segs)-1 {
			want = 0o600
		}
		if fi.Mode() != want {
			t.Errorf("%s has mode %v, want %v", s, fi.Mode(), want)
		}
	}
	// The headers are what archive/tar writes and reads.
	i := 0
	for _, s := range segs {
		f, err := os.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for r := tar.NewReader(z); ; i++ {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Format != tar.FormatUSTAR || h.Name != known[i].Ref.Hex()+".eml" || h.Mode != 0o400 || h.Uid != 0 || h.ModTime.Unix() != 0 || h.Size != known[i].Size {
				t.Fatalf("header %+v, want %+v", h, known[i])
			}
		}
	}
	if i != len(known) {
		t.Errorf("%d entries, want %d", i, len(known))
	}
}

func tools(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			t.Fatalf("this test needs %s: apt-get install tar zstd coreutils", n)
		}
	}
}

// untar unpacks segments with stock tools and returns the files by name.
func untar(t *testing.T, script string) map[string][]byte {
	t.Helper()
	out := t.TempDir()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = out
	if b, err := cmd.CombinedOutput(); err != nil || len(b) > 0 {
		t.Fatalf("%s: %v\n%s", script, err, b)
	}
	files, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(out, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name()] = b
	}
	return got
}

func TestStockTools(t *testing.T) {
	tools(t, "tar", "zstd", "sha256sum")
	dir := t.TempDir()
	a := fresh(t, dir, small)
	st, err := archive.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	large, err := st.Read(io.LimitReader(rand.NewChaCha8([32]byte{9}), 3<<20))
	if err != nil {
		t.Fatal(err)
	}
	blobs := slices.Insert(Blobs(t, 0, 120), 40, large)
	known := MustAppend(t, a, blobs)
	large.Discard()
	want := map[string][]byte{}
	for i := range 120 {
		sum := sha256.Sum256(Message(i))
		want[hex.EncodeToString(sum[:])+".eml"] = Message(i)
	}
	b, err := Read(a, large.Ref(), known[40].Place)
	if err != nil {
		t.Fatal(err)
	}
	want[large.Ref().Hex()+".eml"] = b
	a.Close()

	const sums = `for f in *.eml; do echo "${f%%.eml}  $f"; done | sha256sum -c --quiet`
	got := untar(t, fmt.Sprintf("for s in %s/*.tar.zst; do tar --zstd -xf $s; done; "+sums, dir))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("each segment by itself (-want +got):\n%s", d)
	}
	got = untar(t, fmt.Sprintf("cat %s/*.tar.zst | tar --zstd -xf -; "+sums, dir))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("all segments joined (-want +got):\n%s", d)
	}
	// One frame by its place.
	k := known[77]
	got = untar(t, fmt.Sprintf("tail -c +%d %s/%06d.tar.zst | head -c %d | zstd -dc | tar -xf -; "+sums,
		k.Place.FrameOffset+1, dir, k.Place.Segment, k.Place.FrameLength))
	if !bytes.Equal(got[k.Ref.Hex()+".eml"], want[k.Ref.Hex()+".eml"]) {
		t.Errorf("the frame at %+v does not give %s", k.Place, k.Ref)
	}
}

// tail makes an archive of three frames and returns its one segment's octets and
// what is known of all but the last frame.
func tail(t testing.TB) (seg []byte, known []archive.Known, last []archive.Known) {
	t.Helper()
	dir := t.TempDir()
	a := fresh(t, dir, archive.Options{})
	known = append(MustAppend(t, a, Blobs(t, 0, 6)), MustAppend(t, a, Blobs(t, 6, 9))...)
	last = MustAppend(t, a, Blobs(t, 20, 23))
	a.Close()
	b, err := os.ReadFile(filepath.Join(dir, "000001.tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	return b, known, last
}

// written puts one segment into a new archive directory.
func written(t testing.TB, seg []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "000001.tar.zst"), seg, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A program killed at any octet of a write leaves a prefix of it.
func TestKilledAtEveryOctet(t *testing.T) {
	seg, known, last := tail(t)
	from := archive.EndOf(known[len(known)-1].Place)
	more := Blobs(t, 30, 32)
	for cut := from.Offset; cut <= int64(len(seg)); cut++ {
		dir := written(t, seg[:cut])
		a := open(t, dir, archive.Options{})
		adopted, torn, err := a.Recover(from)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		all := slices.Clone(known)
		if cut == int64(len(seg)) {
			if torn != nil || len(adopted) != len(last) {
				t.Fatalf("whole segment: adopted %d of %d, torn %+v", len(adopted), len(last), torn)
			}
			all = append(all, last...)
		} else {
			if len(adopted) != 0 {
				t.Fatalf("cut at %d: adopted %+v out of a torn frame", cut, adopted)
			}
			if cut == from.Offset {
				if torn != nil {
					t.Fatalf("cut between frames: torn %+v", torn)
				}
			} else {
				aside, err := os.ReadFile(torn.Aside)
				if err != nil || !bytes.Equal(aside, seg[from.Offset:cut]) {
					t.Fatalf("cut at %d: kept aside %d octets, %v; want %d", cut, len(aside), err, cut-from.Offset)
				}
			}
		}
		if cut%29 == 0 || cut == int64(len(seg)) {
			all = append(all, MustAppend(t, a, more)...)
			Check(t, a, all)
		} else if fi, _ := os.Stat(filepath.Join(dir, "000001.tar.zst")); fi.Size() != archive.EndOf(all[len(all)-1].Place).Offset {
			t.Fatalf("cut at %d: the segment still has %d octets", cut, fi.Size())
		}
		a.Close()
	}
}

// A power cut may write later pages and lose earlier ones.
func TestHoleBeforeWholeFrames(t *testing.T) {
	seg, known, last := tail(t)
	from := archive.EndOf(known[5].Place) // of the first frame
	hole := bytes.Clone(seg)
	second := known[6].Place
	clear(hole[second.FrameOffset : second.FrameOffset+second.FrameLength])
	for name, tail := range map[string]string{"": "", "and a torn end": "\x28\xb5\x2f\xfd\x24"} {
		dir := written(t, append(bytes.Clone(hole), tail...))
		a := open(t, dir, archive.Options{})
		_, err := a.Scan(archive.End{}, func(archive.Entry) error { return nil })
		var te *archive.TornError
		if !errors.As(err, &te) || te.Ranges[0].Offset != second.FrameOffset {
			t.Errorf("%q: Scan: %v, want the hole named", name, err)
		}
		adopted, torn, err := a.Recover(from)
		if err != nil || torn == nil {
			t.Fatalf("%q: Recover: torn %+v, %v", name, torn, err)
		}
		if len(adopted) != len(last) || adopted[0].Ref != last[0].Ref || adopted[0].Place.FrameOffset != from.Offset {
			t.Fatalf("%q: adopted %+v", name, adopted)
		}
		if torn.Kept != last[0].Place.FrameLength {
			t.Errorf("%q: kept %d octets, want %d", name, torn.Kept, last[0].Place.FrameLength)
		}
		all := slices.Clone(known[:6])
		for _, e := range adopted {
			all = append(all, archive.Known(e))
		}
		Check(t, a, append(all, MustAppend(t, a, Blobs(t, 30, 31))...))
	}
}

func TestDiskFullAtEveryWrite(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8} {
		for _, short := range []int{0, 1, 1000} {
			dir := t.TempDir()
			fs := &durabletest.FS{}
			opts := small
			opts.FS = fs
			a := fresh(t, dir, opts)
			known := MustAppend(t, a, Blobs(t, 0, 20))
			end := a.End()
			w, _ := fs.Counts()
			fs.FailWrite, fs.Short = w+n, short
			_, err := a.Append(Blobs(t, 20, 120))
			if err == nil {
				t.Fatalf("write %d: no error", n)
			}
			if !strings.Contains(err.Error(), "no space left") {
				t.Errorf("write %d: %v", n, err)
			}
			// Sticky, and nothing that was there is lost.
			fs.Heal()
			if _, err := a.Append(Blobs(t, 20, 21)); !errors.Is(err, archive.ErrFailed) {
				t.Errorf("write %d: second Append: %v, want ErrFailed", n, err)
			}
			if a.End() != end {
				t.Errorf("write %d: End moved to %v", n, a.End())
			}
			for _, k := range known {
				if _, err := Read(a, k.Ref, k.Place); err != nil {
					t.Fatalf("write %d: %v", n, err)
				}
			}
			a.Close()
			a = open(t, dir, opts)
			adopted, _, err := a.Recover(end)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range adopted {
				known = append(known, archive.Known(e))
			}
			Check(t, a, append(known, MustAppend(t, a, Blobs(t, 120, 140))...))
			a.Close()
		}
	}
}

func TestFsyncFails(t *testing.T) {
	for n := 1; n <= 3; n++ {
		dir := t.TempDir()
		fs := &durabletest.FS{}
		opts := small
		opts.FS = fs
		a := fresh(t, dir, opts)
		_, s := fs.Counts()
		fs.FailSync = s + n
		_, err := a.Append(Blobs(t, 0, 200))
		if !errors.Is(err, durabletest.ErrSync) {
			t.Fatalf("fsync %d: %v", n, err)
		}
		if _, err := a.Append(Blobs(t, 0, 1)); !errors.Is(err, archive.ErrFailed) || !errors.Is(err, durabletest.ErrSync) {
			t.Errorf("fsync %d: second Append: %v, want ErrFailed with its cause", n, err)
		}
	}
}

// Two bits of every third octet; more only takes longer.
func TestFlippedBits(t *testing.T) {
	seg, known, last := tail(t)
	known = append(known, last...)
	var silent int
	for i := 0; i < len(seg); i += 3 {
		for _, bit := range []byte{1 << (i % 8), 1 << ((i + 3) % 8)} {
			bad := bytes.Clone(seg)
			bad[i] ^= bit
			a := open(t, written(t, bad), archive.Options{})
			var dam []archive.Damage
			stats, err := a.Verify(context.Background(), Seq(known), func(d archive.Damage) { dam = append(dam, d) })
			if err != nil {
				t.Fatalf("octet %d: %v", i, err)
			}
			// Which messages cannot be read?
			broken := map[archive.Ref]bool{}
			for _, k := range known {
				if _, err := Read(a, k.Ref, k.Place); err != nil {
					if !errors.Is(err, archive.ErrAltered) {
						t.Fatalf("octet %d: reading: %v", i, err)
					}
					broken[k.Ref] = true
				}
			}
			a.Close()
			if len(dam) == 0 {
				if len(broken) > 0 || stats.Messages != len(known) {
					t.Fatalf("octet %d bit %d: Verify is content, but %d messages cannot be read", i, bit, len(broken))
				}
				silent++
				continue
			}
			if len(dam) != 1 {
				t.Fatalf("octet %d: %d damages, want 1: %+v", i, len(dam), dam)
			}
			d := dam[0]
			if int64(i) < d.Offset || int64(i) >= d.Offset+d.Length {
				t.Fatalf("octet %d: damage named at %d, length %d", i, d.Offset, d.Length)
			}
			for _, ref := range d.Messages {
				j := slices.IndexFunc(known, func(k archive.Known) bool { return k.Ref == ref })
				if p := known[j].Place; p.FrameOffset != d.Offset {
					t.Fatalf("octet %d: message %s lies in the frame at %d", i, ref, p.FrameOffset)
				}
				if !d.Intact {
					delete(broken, ref)
				}
			}
			if len(d.Messages) == 0 || len(broken) > 0 {
				t.Fatalf("octet %d: not named: %d broken messages; %+v", i, len(broken), d)
			}
			if want := len(known) - stats.Lost; stats.Messages != want {
				t.Fatalf("octet %d: %+v", i, stats)
			}
		}
	}
	// zstd leaves a few bits unused, the padding of its tables: no message and no
	// checksum depends on them.
	if n := 2 * len(seg) / 3; silent*50 > n {
		t.Errorf("%d of %d flipped bits went unnoticed", silent, n)
	}
}

func TestVerifyNames(t *testing.T) {
	seg, known, last := tail(t)
	all := append(slices.Clone(known), last...)
	f2 := known[6].Place
	refs := func(ks []archive.Known) (out []archive.Ref) {
		for _, k := range ks {
			out = append(out, k.Ref)
		}
		return out
	}
	stranger := func() []byte {
		dir := t.TempDir()
		a := fresh(t, dir, archive.Options{})
		MustAppend(t, a, Blobs(t, 300, 302))
		a.Close()
		b, _ := os.ReadFile(filepath.Join(dir, "000001.tar.zst"))
		return b
	}()
	strangers := []archive.Ref{Blobs(t, 300, 301)[0].Ref(), Blobs(t, 301, 302)[0].Ref()}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	size := int64(len(seg))
	lastFrame := last[0].Place
	for _, test := range []struct {
		name string
		seg  []byte
		want []archive.Damage
	}{
		{"nothing", seg, nil},
		{"zeroed frame", func() []byte {
			b := bytes.Clone(seg)
			clear(b[f2.FrameOffset : f2.FrameOffset+f2.FrameLength])
			return b
		}(), []archive.Damage{{Kind: archive.Altered, Range: archive.Range{1, f2.FrameOffset, f2.FrameLength}, Messages: refs(known[6:9]), Text: "there is no frame"}}},
		{"last frame gone", seg[:lastFrame.FrameOffset], []archive.Damage{
			{Kind: archive.Missing, Range: archive.Range{1, lastFrame.FrameOffset, lastFrame.FrameLength}, Messages: refs(last), Text: fmt.Sprintf("the segment ends at %d", lastFrame.FrameOffset)}}},
		{"added at the end", join(seg, stranger), []archive.Damage{
			{Kind: archive.Added, Range: archive.Range{1, size, int64(len(stranger))}, Messages: strangers, Text: "a frame that nothing refers to"}}},
		{"junk at the end", join(seg, []byte("junk")), []archive.Damage{
			{Kind: archive.Added, Range: archive.Range{1, size, 4}, Messages: []archive.Ref{}, Text: "octets that are no frame, and that nothing refers to"}}},
		{"no segment", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.seg != nil {
				dir = written(t, test.seg)
			} else {
				for _, ks := range [][]archive.Known{known[:6], known[6:], last} {
					p := ks[0].Place
					test.want = append(test.want, archive.Damage{Kind: archive.Missing, Range: archive.Range{1, p.FrameOffset, p.FrameLength}, Messages: refs(ks), Text: "the segment is not there"})
				}
			}
			a := open(t, dir, archive.Options{})
			var got []archive.Damage
			if _, err := a.Verify(context.Background(), Seq(all), func(d archive.Damage) { got = append(got, d) }); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Run("inserted frame", func(t *testing.T) {
		a := open(t, written(t, join(seg[:f2.FrameOffset], stranger, seg[f2.FrameOffset:])), archive.Options{})
		var kinds []archive.DamageKind
		stats, err := a.Verify(context.Background(), Seq(all), func(d archive.Damage) { kinds = append(kinds, d.Kind) })
		if err != nil || stats.Lost == 0 || !slices.Contains(kinds, archive.Altered) || !slices.Contains(kinds, archive.Added) {
			t.Errorf("%v, %+v, %v", kinds, stats, err)
		}
	})
	t.Run("without a catalog", func(t *testing.T) {
		bad := bytes.Clone(seg)
		bad[f2.FrameOffset+f2.FrameLength/2] ^= 0x40
		a := open(t, written(t, bad), archive.Options{})
		var got []archive.Damage
		stats, err := a.Verify(context.Background(), nil, func(d archive.Damage) { got = append(got, d) })
		if err != nil || len(got) != 1 || got[0].Kind != archive.Altered || got[0].Range != (archive.Range{1, f2.FrameOffset, f2.FrameLength}) || stats.Messages != 9 {
			t.Errorf("%+v, %+v, %v", got, stats, err)
		}
	})
	t.Run("a changed entry under a right checksum", func(t *testing.T) {
		// Somebody who can write zstd makes a frame that is sound but lies.
		z, _ := zstd.NewReader(nil)
		defer z.Close()
		raw, err := z.DecodeAll(seg[f2.FrameOffset:f2.FrameOffset+f2.FrameLength], nil)
		if err != nil {
			t.Fatal(err)
		}
		raw[known[7].Place.EntryOffset+512+3] ^= 1
		e, _ := zstd.NewWriter(nil)
		frame := e.EncodeAll(raw, nil)
		bad := join(seg[:f2.FrameOffset], frame)
		a := open(t, written(t, bad), archive.Options{})
		k := slices.Clone(known)
		for i := 6; i < 9; i++ {
			k[i].Place.FrameLength = int64(len(frame))
		}
		var got []archive.Damage
		if _, err := a.Verify(context.Background(), Seq(k), func(d archive.Damage) { got = append(got, d) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || len(got[0].Messages) != 1 || got[0].Messages[0] != known[7].Ref || got[0].Found == nil {
			t.Fatalf("%+v", got)
		}
		_, err = Read(a, known[7].Ref, k[7].Place)
		var ae *archive.AlteredError
		if !errors.As(err, &ae) || ae.Sealed != known[7].Ref || ae.Found != *got[0].Found {
			t.Errorf("reading it: %v", err)
		}
		if _, err := a.Scan(archive.End{}, func(e archive.Entry) error {
			if e.Ref == known[7].Ref {
				t.Error("Scan yields the altered message")
			}
			return nil
		}); err == nil {
			t.Error("Scan: no error")
		}
	})
}

func TestStage(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "blob-left"), []byte("x"), 0o600)
	os.WriteFile(filepath.Join(dir, "other"), []byte("x"), 0o600)
	s, err := archive.NewStage(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := func() (out []string) {
		des, _ := os.ReadDir(dir)
		for _, d := range des {
			out = append(out, d.Name())
		}
		return out
	}
	if d := cmp.Diff([]string{"other"}, names()); d != "" {
		t.Errorf("leftovers (-want +got):\n%s", d)
	}
	for _, n := range []int64{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20} {
		want, _ := io.ReadAll(io.LimitReader(rand.NewChaCha8([32]byte{1}), n))
		b, err := s.Read(bytes.NewReader(want))
		if err != nil {
			t.Fatal(err)
		}
		_, mem := b.Bytes()
		if mem != (n <= 1<<20) || b.Size() != n || b.Ref() != sha256.Sum256(want) {
			t.Errorf("%d octets: in memory %v, size %d, %s", n, mem, b.Size(), b.Ref())
		}
		for range 2 {
			r, err := b.Open()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d octets: read %d, %v", n, len(got), err)
			}
		}
		b.Discard()
		b.Discard()
	}
	// A message that breaks off is not a message.
	for _, n := range []int64{5, 2 << 20} {
		for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection lost")} {
			r := io.MultiReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), n), errReader{cause})
			if _, err := s.Read(r); !errors.Is(err, cause) {
				t.Errorf("broken after %d octets: %v, want %v", n, err, cause)
			}
		}
	}
	if d := cmp.Diff([]string{"other"}, names()); d != "" {
		t.Errorf("left behind (-want +got):\n%s", d)
	}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

func FuzzRecover(f *testing.F) {
	seg, _, _ := tail(f)
	f.Add(seg, uint32(0), byte(0), uint32(len(seg)))
	f.Add(seg, uint32(40), byte(8), uint32(len(seg)))
	f.Add(seg, uint32(400), byte(255), uint32(500))
	f.Add([]byte("\x28\xb5\x2f\xfd"), uint32(0), byte(0), uint32(4))
	f.Fuzz(func(t *testing.T, seg []byte, at uint32, x byte, n uint32) {
		b := bytes.Clone(seg[:min(int(n), len(seg))])
		if int(at) < len(b) {
			b[at] ^= x
		}
		a := open(t, written(t, b), archive.Options{})
		check := func(e archive.Entry) error {
			if _, err := Read(a, e.Ref, e.Place); err != nil {
				t.Fatalf("an entry that cannot be read: %+v: %v", e, err)
			}
			return nil
		}
		a.Scan(archive.End{}, check)
		a.Verify(context.Background(), nil, func(archive.Damage) {})
		entries, torn, err := a.Recover(archive.End{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			check(e)
		}
		if torn != nil {
			aside, err := os.ReadFile(torn.Aside)
			if err != nil || !bytes.HasSuffix(b, aside) {
				t.Fatalf("kept aside %d octets: %v", len(aside), err)
			}
		}
		var known []archive.Known
		for _, e := range entries {
			known = append(known, archive.Known(e))
		}
		Check(t, a, append(known, MustAppend(t, a, Blobs(t, 1, 3))...))
	})
}

func BenchmarkAppend(b *testing.B) {
	var blobs []*archive.Blob
	var n int64
	for _, bl := range Blobs(b, 0, 2000) {
		blobs = append(blobs, bl)
		n += bl.Size()
	}
	b.SetBytes(n)
	dir := b.TempDir()
	a := fresh(b, dir, archive.Options{})
	for b.Loop() {
		if _, err := a.Append(blobs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(a.End().Offset)/float64(b.N)/float64(n), "stored/raw")
}
