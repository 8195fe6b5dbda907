package wire

import (
	"errors"
	"strings"
	"testing"
)

var chunkCases = []struct {
	name, body, data string
	ok               bool
}{
	{"empty", "0\r\n\r\n", "", true},
	{"one", "3\r\nabc\r\n0\r\n\r\n", "abc", true},
	{"several", "3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", true},
	{"upper and lower hex", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", true},
	{"extensions", "3;a=b;c=\"d e\"\r\nabc\r\n0;last\r\n\r\n", "abc", true},
	{"trailers", "1\r\nx\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "x", true},
	{"data that looks like framing", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n", true},

	{"no size", "\r\nabc", "", false},
	{"no digit before an extension", ";a\r\nabc", "", false},
	{"prefix of hex", "0x3\r\nabc\r\n", "", false},
	{"sign", "+3\r\nabc\r\n", "", false},
	{"blank before the size", " 3\r\nabc\r\n", "", false},
	{"blank behind the size", "3 \r\nabc\r\n", "", false},
	{"blank before an extension", "3 ;a\r\nabc\r\n", "", false},
	{"garbage behind the size", "3z\r\nabc\r\n", "", false},
	{"bare LF behind the size", "3\nabc\r\n", "", false},
	{"bare CR behind the size", "3\rabc\r\n", "", false},
	{"bare LF in an extension", "3;a\nb\r\nabc\r\n", "", false},
	{"NUL in an extension", "3;a\x00\r\nabc\r\n", "", false},
	{"data too long", "3\r\nabcd\r\n", "abc", false},
	{"data too short", "3\r\nab\r\n0\r\n\r\n", "ab\r", false},
	{"LF behind data", "3\r\nabc\n0\r\n\r\n", "abc", false},
	{"size out of range", "1000000000000000\r\n", "", false},
	{"many zeros", strings.Repeat("0", 16) + "3\r\nabc\r\n", "", false},
	{"endless extension", "3;" + strings.Repeat("a", 5000) + "\r\nabc\r\n", "", false},
	{"endless trailers", "0\r\n" + strings.Repeat("a: b\r\n", 12000) + "\r\n", "", false},
	{"trailer without a colon", "0\r\nabc\r\n\r\n", "", false},
	{"trailer without a name", "0\r\n: b\r\n\r\n", "", false},
	{"folded trailer", "0\r\na: b\r\n c\r\n\r\n", "", false},
	{"blank before the colon of a trailer", "0\r\na : b\r\n\r\n", "", false},
	{"bare LF in trailers", "0\r\na: b\n\r\n", "", false},
	{"LF as the end", "0\r\n\n", "", false},
}

// decode feeds the body in parts of the given size.
func decode(body string, part int) (data string, n int, done bool, err error) {
	var c Chunks
	var out []byte
	for n < len(body) && !done {
		var k int
		in := []byte(body[n:min(len(body), n+part)])
		out, k, done, err = c.Decode(out, in)
		n += k
		if err != nil || k < len(in) {
			break
		}
	}
	return string(out), n, done, err
}

func TestChunks(t *testing.T) {
	for _, c := range chunkCases {
		t.Run(c.name, func(t *testing.T) {
			data, n, done, err := decode(c.body+"next", len(c.body)+4)
			if done != c.ok || (err == nil) != c.ok || data != c.data {
				t.Fatalf("data %q, n %d, done %v, %v", data, n, done, err)
			}
			if c.ok && n != len(c.body) {
				t.Fatalf("took %d bytes of %d", n, len(c.body))
			}
			if err != nil && !errors.Is(err, ErrChunk) {
				t.Fatal(err)
			}
			for part := 1; part < min(len(c.body), 200); part++ {
				d2, n2, done2, err2 := decode(c.body+"next", part)
				if d2 != data || n2 != n || done2 != done || !errors.Is(err2, err) {
					t.Fatalf("in parts of %d: data %q, n %d, done %v, %v", part, d2, n2, done2, err2)
				}
			}
			var s Chunks
			if n3, done3, err3 := s.Scan([]byte(c.body + "next")); n3 != n || done3 != done || !errors.Is(err3, err) {
				t.Fatalf("Scan: n %d, done %v, %v", n3, done3, err3)
			}
			if extras := strings.Contains(c.name, "extensions") || strings.Contains(c.name, "trailers"); c.ok && s.Extras != extras {
				t.Fatalf("Extras: %v", s.Extras)
			}
			if err != nil {
				if k, _, again := s.Scan([]byte("0\r\n\r\n")); k != 0 || again == nil {
					t.Fatal("an error stays")
				}
			} else if k, still, err := s.Scan([]byte("x")); k != 0 || !still || err != nil {
				t.Fatal("the end stays")
			}
			s.Reset()
			if _, done, _ := s.Scan([]byte("0\r\n\r\n")); !done {
				t.Fatal("Reset")
			}
		})
	}
}

// TestChunksSplits splits right bodies at each pair of offsets.
func TestChunksSplits(t *testing.T) {
	for _, c := range chunkCases {
		if !c.ok {
			continue
		}
		for i := 0; i <= len(c.body); i++ {
			for j := i; j <= len(c.body); j++ {
				var s Chunks
				var out []byte
				var done bool
				for _, part := range []string{c.body[:i], c.body[i:j], c.body[j:]} {
					var n int
					var err error
					out, n, done, err = s.Decode(out, []byte(part))
					if n != len(part) || err != nil {
						t.Fatalf("%s at %d, %d: %d, %v", c.name, i, j, n, err)
					}
				}
				if !done || string(out) != c.data {
					t.Fatalf("%s at %d, %d: %q", c.name, i, j, out)
				}
			}
		}
	}
}
