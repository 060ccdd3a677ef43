// Package archivetest holds what every archive must do, whatever it lies on.
package archivetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
)

// Store is an archive as the rest of the program uses it.
type Store interface {
	Append([]*archive.Blob) ([]archive.Place, error)
	OpenAt(archive.Ref, archive.Place) (io.ReadCloser, int64, error)
	Scan(archive.End, func(archive.Entry) error) (archive.End, error)
	Recover(archive.End) ([]archive.Entry, *archive.Torn, error)
	Verify(context.Context, iter.Seq2[archive.Known, error], func(archive.Damage)) (archive.Stats, error)
	End() archive.End
	Close() error
}

// Message returns message i of a fixed set: invented mail of many sizes, the
// empty message and NULs among them.
func Message(i int) []byte {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	switch i % 50 {
	case 11:
		if i == 11 {
			return []byte{}
		}
	case 12:
		if i == 12 {
			return make([]byte, 1024)
		}
	case 13:
		return bytes.Repeat([]byte(fmt.Sprintf("From: a%d@desk.example\r\n", i)), 4000)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: nora%d@deskandco.example\r\nSubject: order %d\r\n\r\n", r.IntN(9), i)
	words := []string{"please", "book", "the", "room", "for", "Tuesday", "thirty", "people", "and", "confirm", "\r\n", "naïve", "\x00\xff"}
	for range r.IntN(400) {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.Bytes()
}

// Blobs stages messages from to to-1.
func Blobs(t testing.TB, from, to int) []*archive.Blob {
	t.Helper()
	s := stage(t)
	var out []*archive.Blob
	for i := from; i < to; i++ {
		out = append(out, s.Bytes(Message(i)))
	}
	return out
}

func stage(t testing.TB) *archive.Stage {
	t.Helper()
	s, err := archive.NewStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Known pairs blobs with their places.
func Known(blobs []*archive.Blob, places []archive.Place) []archive.Known {
	var out []archive.Known
	for i, b := range blobs {
		out = append(out, archive.Known{Ref: b.Ref(), Size: b.Size(), Place: places[i]})
	}
	return out
}

// Seq yields known messages as Verify takes them.
func Seq(known []archive.Known) iter.Seq2[archive.Known, error] {
	return func(yield func(archive.Known, error) bool) {
		for _, k := range known {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// Read returns the octets of one message, and checks that they are the right ones.
func Read(s Store, ref archive.Ref, p archive.Place) ([]byte, error) {
	r, size, err := s.OpenAt(ref, p)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return b, err
	}
	if int64(len(b)) != size || sha256.Sum256(b) != ref {
		return b, fmt.Errorf("read %d octets of %d, hash %x, without an error", len(b), size, sha256.Sum256(b))
	}
	return b, nil
}

// MustAppend appends and fails the test on an error.
func MustAppend(t testing.TB, s Store, blobs []*archive.Blob) []archive.Known {
	t.Helper()
	places, err := s.Append(blobs)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	if len(places) != len(blobs) {
		t.Fatalf("Append gave %d places for %d messages", len(places), len(blobs))
	}
	return Known(blobs, places)
}

// Check reads everything that is known, scans the archive, verifies it, and
// wants all three to agree that nothing is wrong.
func Check(t testing.TB, s Store, known []archive.Known) {
	t.Helper()
	for _, k := range known {
		if _, err := Read(s, k.Ref, k.Place); err != nil {
			t.Fatalf("reading %s at %+v: %v", k.Ref, k.Place, err)
		}
	}
	var scanned []archive.Known
	end, err := s.Scan(archive.End{}, func(e archive.Entry) error {
		scanned = append(scanned, archive.Known(e))
		return nil
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	if end.Compare(s.End()) != 0 {
		t.Errorf("Scan ended at %v, End is %v", end, s.End())
	}
	if d := cmp.Diff(known, scanned); d != "" {
		t.Errorf("Scan differs from what was appended (-want +got):\n%s", d)
	}
	stats, err := s.Verify(context.Background(), Seq(known), func(d archive.Damage) {
		t.Errorf("Verify: %+v", d)
	})
	if err != nil || stats.Messages != len(known) {
		t.Errorf("Verify: %+v, %v; want %d messages", stats, err, len(known))
	}
}

// Test runs the suite. open opens the archive in dir, which may be new; the
// suite closes it.
func Test(t *testing.T, open func(t testing.TB, dir string) Store) {
	recovered := func(t testing.TB, dir string, from archive.End) (Store, []archive.Entry) {
		s := open(t, dir)
		got, torn, err := s.Recover(from)
		if err != nil || torn != nil {
			t.Fatalf("Recover: torn %+v, %v", torn, err)
		}
		return s, got
	}

	t.Run("round trip", func(t *testing.T) {
		dir := t.TempDir()
		s, _ := recovered(t, dir, archive.End{})
		var known []archive.Known
		for i := 0; i < 100; i += 25 {
			known = append(known, MustAppend(t, s, Blobs(t, i, i+25))...)
		}
		Check(t, s, known)
		end := s.End()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, adopted := recovered(t, dir, end)
		defer s.Close()
		if len(adopted) != 0 {
			t.Errorf("adopted %d messages that were known", len(adopted))
		}
		known = append(known, MustAppend(t, s, Blobs(t, 100, 110))...)
		Check(t, s, known)
	})

	t.Run("append before recover is refused", func(t *testing.T) {
		s := open(t, t.TempDir())
		defer s.Close()
		if _, err := s.Append(Blobs(t, 0, 1)); err == nil {
			t.Error("no error")
		}
	})

	t.Run("what nobody knows is adopted", func(t *testing.T) {
		dir := t.TempDir()
		s, _ := recovered(t, dir, archive.End{})
		MustAppend(t, s, Blobs(t, 0, 10))
		end := s.End()
		want := MustAppend(t, s, Blobs(t, 10, 30))
		s.Close()
		s, adopted := recovered(t, dir, end)
		defer s.Close()
		var got []archive.Known
		for _, e := range adopted {
			got = append(got, archive.Known(e))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("adopted (-want +got):\n%s", d)
		}
	})

	t.Run("a catalog past the end", func(t *testing.T) {
		dir := t.TempDir()
		s, _ := recovered(t, dir, archive.End{})
		MustAppend(t, s, Blobs(t, 0, 3))
		end := s.End()
		s.Close()
		for _, from := range []archive.End{{Segment: end.Segment, Offset: end.Offset + 1}, {Segment: end.Segment + 1}, {Segment: 99, Offset: 5}} {
			s := open(t, dir)
			if _, _, err := s.Recover(from); err == nil {
				t.Errorf("Recover(%v) gave no error; the archive ends at %v", from, end)
			}
			s.Close()
		}
	})

	t.Run("large messages", func(t *testing.T) {
		s, _ := recovered(t, t.TempDir(), archive.End{})
		defer s.Close()
		st := stage(t)
		var blobs []*archive.Blob
		for i, n := range []int64{10, 3 << 20, 1 << 20, 1<<20 + 1, 0, 5 << 20, 1} {
			b, err := st.Read(io.LimitReader(rand.NewChaCha8([32]byte{byte(i)}), n))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Discard()
			blobs = append(blobs, b)
		}
		Check(t, s, MustAppend(t, s, blobs))
	})

	t.Run("readers at once", func(t *testing.T) {
		s, _ := recovered(t, t.TempDir(), archive.End{})
		defer s.Close()
		known := MustAppend(t, s, Blobs(t, 0, 60))
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range known {
					k := known[(i*7+g*13)%len(known)]
					if _, err := Read(s, k.Ref, k.Place); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		MustAppend(t, s, Blobs(t, 60, 90))
		wg.Wait()
	})

	t.Run("the same message twice does no harm", func(t *testing.T) {
		s, _ := recovered(t, t.TempDir(), archive.End{})
		defer s.Close()
		known := MustAppend(t, s, Blobs(t, 0, 10))
		MustAppend(t, s, Blobs(t, 3, 5))
		stats, err := s.Verify(context.Background(), Seq(known), func(d archive.Damage) { t.Errorf("%+v", d) })
		if err != nil || stats.Messages != 10 {
			t.Errorf("Verify: %+v, %v", stats, err)
		}
	})
}
