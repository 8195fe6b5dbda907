package key

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

type part struct {
	number bool
	tag    byte
	bytes  []byte
	value  uint64
}

func write(w *Writer, ps []part) {
	for _, p := range ps {
		if p.number {
			w.Uint(p.tag, p.value)
		} else {
			w.Part(p.tag, p.bytes)
		}
	}
}

func same(a, b []part) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].number != b[i].number || a[i].tag != b[i].tag || a[i].value != b[i].value || !bytes.Equal(a[i].bytes, b[i].bytes) {
			return false
		}
	}
	return true
}

// Small alphabets, so that different lists come close to each other.
func parts(t *rapid.T, name string) []part {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) part {
		p := part{number: rapid.Bool().Draw(t, "number"), tag: rapid.ByteRange(0, 2).Draw(t, "tag")}
		if p.number {
			p.value = rapid.Uint64Range(0, 3).Draw(t, "value")
		} else {
			p.bytes = rapid.SliceOfN(rapid.ByteRange(0, 2), 0, 12).Draw(t, "bytes")
		}
		return p
	}), 0, 4).Draw(t, name)
}

func TestDifferentPartsNeverGiveTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts(t, "a"), parts(t, "b")
		if rapid.Bool().Draw(t, "cut elsewhere") { // the same bytes, divided in another way
			text := rapid.SliceOfN(rapid.ByteRange(0, 2), 1, 40).Draw(t, "text")
			i, j := rapid.IntRange(0, len(text)).Draw(t, "i"), rapid.IntRange(0, len(text)).Draw(t, "j")
			a, b = []part{{bytes: text[:i]}, {bytes: text[i:]}}, []part{{bytes: text[:j]}, {bytes: text[j:]}}
		}
		var wa, wb Writer
		wa.Reset()
		wb.Reset()
		write(&wa, a)
		write(&wb, b)
		if got, want := bytes.Equal(wa.buf, wb.buf), same(a, b); got != want {
			t.Fatalf("equal bytes %v, equal parts %v: %v %v", got, want, a, b)
		}
		if got, want := wa.Sum() == wb.Sum(), same(a, b); got != want {
			t.Fatalf("equal keys %v, equal parts %v", got, want)
		}
	})
}

func TestWriterIsReusableAndAllocatesNothing(t *testing.T) {
	var w Writer
	body := []byte("a canonical document")
	sum := func() Key {
		w.Reset()
		w.Part(1, body)
		w.Uint(2, 7)
		return w.Sum()
	}
	first := sum()
	w.Part(3, []byte("more"))
	if w.Sum() == first {
		t.Fatal("a further part changes nothing")
	}
	if sum() != first || first == (Key{}) {
		t.Fatal("Reset does not begin anew")
	}
	var fresh Writer // not Reset: ready all the same
	fresh.Part(1, body)
	fresh.Uint(2, 7)
	if fresh.Sum() != first {
		t.Fatal("the zero Writer differs")
	}
	if n := testing.AllocsPerRun(100, func() { sum() }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
