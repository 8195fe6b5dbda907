package jsonscan

import (
	"bytes"
	"testing"
)

// TestPlainStopsAtEachByteThatIsSpecial compares with a look at each byte, wherever the byte stands in the words that plain reads.
func TestPlainStopsAtEachByteThatIsSpecial(t *testing.T) {
	special := func(c byte) bool { return c < 0x20 || c == '"' || c == '\\' }
	for _, filler := range []byte{' ', '!', '#', 'w', 0x7f, 0x80, 0xa2, 0xdc, 0xff} {
		for c := range 256 {
			for at := range 75 {
				text := bytes.Repeat([]byte{filler}, 80)
				text[at], text[at+3] = byte(c), '"'
				want := at + 3
				if special(byte(c)) {
					want = at
				}
				if got := plain(text, 0); got != want {
					t.Fatalf("filler %#x, byte %#x at %d: stopped at %d, want %d", filler, c, at, got, want)
				}
			}
		}
	}
}

func BenchmarkPlain(b *testing.B) {
	text := append(bytes.Repeat([]byte("w"), 1000), '"')
	b.SetBytes(1000)
	for b.Loop() {
		if plain(text, 0) != 1000 {
			b.Fatal("not found")
		}
	}
}

func BenchmarkPlainShort(b *testing.B) {
	text := []byte(`name":"a value","more":"of it and so on"`)
	for b.Loop() {
		if plain(text, 0) != 4 {
			b.Fatal("not found")
		}
	}
}
