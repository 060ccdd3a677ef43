package catalog

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inwriting/indexer/archive"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
)

// fill sets every exported field of v to a value of its own, two elements a list.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d €", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) << 7)
	case reflect.Uint64:
		v.SetUint(uint64(*n) << 50)
	case reflect.Float64:
		v.SetFloat(float64(*n) / 7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2023, 3, 2, 9, 12, 0, 5, time.FixedZone("", 3600+*n*60))))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" { // not kept by anybody
				fill(v.Field(i), n)
			}
		}
	default:
		panic(fmt.Sprintf("the stored form does not know %v", v.Type()))
	}
}

// A field that somebody adds must not be lost on the way to the disk.
func TestDocKeepsEveryField(t *testing.T) {
	var want Doc
	n := 0
	fill(reflect.ValueOf(&want).Elem(), &n)
	for _, d := range []Doc{want, {Date: time.Date(2023, 3, 2, 9, 12, 0, 0, time.UTC)}, {Date: time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))}, {}} {
		got, size, err := decodeDoc(d.encode())
		if err != nil || size <= 0 {
			t.Fatalf("size %d, %v", size, err)
		}
		if diff := cmp.Diff(&d, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want, got := d.Date.Format(time.RFC3339Nano), got.Date.Format(time.RFC3339Nano); got != want {
			t.Errorf("date %s, want %s", got, want)
		}
	}
}

func FuzzDecodeDoc(f *testing.F) {
	var d Doc
	n := 0
	fill(reflect.ValueOf(&d).Elem(), &n)
	raw, err := decoder.DecodeAll(d.encode(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte(`{"subject":"an older format"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, _, err := decodeDoc(encoder.EncodeAll(raw, nil))
		if err != nil {
			return
		}
		again, _, err := decodeDoc(d.encode())
		if err != nil {
			t.Fatalf("what was read is not written back: %v", err)
		}
		if string(d.encode()) != string(again.encode()) {
			t.Error("written twice it is not the same")
		}
	})
}

// What was saved anew is read anew, whoever reads it in between.
func TestReadingIsReplaced(t *testing.T) {
	c := base(t)
	commit(t, c, []string{"one", "two"}, seen("one", 1), seen("two", 2))
	b, err := c.Blob(ref("one"))
	if err != nil {
		t.Fatal(err)
	}
	save := func(subject string) {
		t.Helper()
		if err := c.SaveReadings([]Read{{Blob: b.ID, Doc: Doc{Subject: subject}}}); err != nil {
			t.Fatal(err)
		}
	}
	subject := func() string {
		t.Helper()
		list, err := c.Messages([]archive.Ref{ref("two"), ref("nothing"), ref("one")})
		if err != nil || len(list) != 3 || list[0] != nil || list[1] != nil || list[2] == nil {
			t.Fatalf("messages: %+v, %v; want the third alone", list, err)
		}
		return list[2].Doc.Subject
	}
	save("first")
	if got := subject(); got != "first" {
		t.Errorf("subject %q", got)
	}
	old := map[int64]*reading{}
	_, gen := c.docs.get([]int64{b.ID}, old)
	save("second")
	c.docs.put(old[b.ID], gen) // by whoever read it before it was saved
	if got := subject(); got != "second" {
		t.Errorf("subject %q, want the second", got)
	}
	if err := c.ResetDerived(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Message(ref("one")); !errors.Is(err, ErrNotFound) {
		t.Errorf("after dropping: %v", err)
	}
}

func TestDocCacheIsBounded(t *testing.T) {
	var d docCache
	for i := range int64(100) {
		d.put(&reading{blob: i, size: docMemory / 10}, 0)
	}
	d.put(&reading{blob: 200, size: docMemory}, 0)
	if d.size > docMemory || len(d.kept) != d.order.Len() || len(d.kept) < 9 || d.kept[99] == nil || d.kept[200] != nil {
		t.Errorf("%d octets in %d readings", d.size, len(d.kept))
	}
}

func BenchmarkDecodeDoc(b *testing.B) {
	d := Doc{From: []message.Address{{Name: "Martin Hale", Address: "martin@halearchitects.example"}}, Subject: "Trip", New: make([]uint64, 60), Quoted: make([]uint64, 60)}
	for i := range 30 {
		d.Statements = append(d.Statements, Statement{ID: StatementID(archive.Ref{}, i, i+1), Kind: statement.Question, Quote: "Could you move the flight to Tuesday?",
			Facts: []statement.Fact{{Type: statement.Date, Text: "Tuesday", Value: "2023-03-14"}}, Why: []statement.Reason{{Rule: "req.can-you", Weight: 1.9, Text: "could you"}}})
	}
	packed := d.encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := decodeDoc(packed); err != nil {
			b.Fatal(err)
		}
	}
}
