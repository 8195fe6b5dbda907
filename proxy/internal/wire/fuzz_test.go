package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzRequestHead compares with fasthttp: what it refuses is refused, and nothing else, but for two rows:
//   - looser: a head behind empty lines is Ambiguous before it is read;
//   - stricter than RequestHeader.Read alone: a Host or target that cannot be read as a URI is refused, as fasthttp's server does.
//
// What is OK is read as fasthttp reads it.
func FuzzRequestHead(f *testing.F) {
	for _, c := range requestCases {
		f.Add([]byte(c.head))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, again RequestHead
		v := h.Parse(b, maxHead)
		for n := range min(len(b), 256) {
			if p := again.Parse(b[:n], maxHead); p != Incomplete && p != v {
				t.Fatalf("verdict %d about the first %d bytes, %d about all", p, n, v)
			}
		}
		size, _ := headEnd(b)
		if v == Incomplete || v == TooLarge || size == 0 || h.Code == CodeLeadingLine {
			return
		}
		head := append([]byte(nil), b[:size]...)
		if !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
			head = append(head, "\r\n\r\n"...)
		}
		var want fasthttp.RequestHeader
		err := want.Read(bufio.NewReaderSize(bytes.NewReader(head), max(len(head), 16)))
		var uri fasthttp.URI
		refuse := err != nil || uri.Parse(want.Host(), want.RequestURI()) != nil
		if refuse != (v == Refuse) {
			t.Fatalf("verdict %d (%s), fasthttp: %v", v, h.Code, err)
		}
		if v == OK {
			sameHead(t, &h, &want)
		}
	})
}

func sameHead(t *testing.T, h *RequestHead, want *fasthttp.RequestHeader) {
	t.Helper()
	length := map[Framing]int{NoBody: 0, Length: int(h.ContentLength), Chunked: -1}[h.Framing]
	wanted := want.ContentLength()
	if wanted == -2 {
		wanted = 0
	}
	switch {
	case string(h.MethodBytes()) != string(want.Method()), string(h.Target()) != string(want.RequestURI()):
		t.Fatalf("%q %q, fasthttp %q %q", h.MethodBytes(), h.Target(), want.Method(), want.RequestURI())
	case length != wanted:
		t.Fatalf("length %d, fasthttp %d", length, wanted)
	case string(h.Header("host")) != string(want.Host()):
		t.Fatalf("host %q, fasthttp %q", h.Header("host"), want.Host())
	case (h.Close || h.Minor == 0 && !h.KeepAlive) != want.ConnectionClose():
		t.Fatalf("close %v, fasthttp %v", h.Close, want.ConnectionClose())
	}
}

// FuzzResponseHead: verdicts do not depend on splits, and a body of known end is read as fasthttp reads it.
func FuzzResponseHead(f *testing.F) {
	for _, c := range responseCases {
		f.Add([]byte(c.head), uint8(c.method))
	}
	f.Fuzz(func(t *testing.T, b []byte, m uint8) {
		method := Method(m % 10)
		var h, again ResponseHead
		v := h.Parse(b, maxHead, method)
		if v != OK && v != Incomplete && v != Ambiguous {
			t.Fatalf("verdict %d", v)
		}
		for n := range min(len(b), 256) {
			if p := again.Parse(b[:n], maxHead, method); p != Incomplete && p != v {
				t.Fatalf("verdict %d about the first %d bytes, %d about all", p, n, v)
			}
		}
		if v != OK || h.Framing != Length && h.Framing != Chunked {
			return
		}
		var want fasthttp.ResponseHeader
		if err := want.Read(bufio.NewReaderSize(bytes.NewReader(b[:h.Size]), max(h.Size, 16))); err != nil {
			return // it is stricter about answers
		}
		length := int(h.ContentLength)
		if h.Framing == Chunked {
			length = -1
		}
		if length != want.ContentLength() || h.Status != want.StatusCode() {
			t.Fatalf("length %d status %d, fasthttp %d %d", length, h.Status, want.ContentLength(), want.StatusCode())
		}
	})
}

// FuzzChunks: splits change nothing; what is accepted is read alike by net/http, with the same end.
func FuzzChunks(f *testing.F) {
	for _, c := range chunkCases {
		f.Add([]byte(c.body), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, part uint8) {
		data, n, done, err := decode(string(b), len(b)+1)
		d2, n2, done2, err2 := decode(string(b), int(part)+1)
		if d2 != data || n2 != n || done2 != done || !errors.Is(err2, err) {
			t.Fatalf("in parts of %d: %q %d %v %v, at once: %q %d %v %v", part, d2, n2, done2, err2, data, n, done, err)
		}
		if !done {
			return
		}
		if strings.Contains(string(b[:n]), ";") || len(b) > 2000 {
			return // net/http limits what extensions and tiny chunks may cost
		}
		got, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b[:n])))
		if err != nil || string(got) != data {
			t.Fatalf("%q, net/http: %q %v", data, got, err)
		}
	})
}
