package wire

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/valyala/fasthttp"
)

const (
	graphQLRequest = "POST /graphql HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n" +
		"Accept: application/graphql-response+json, application/json\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\n" +
		"Content-Type: application/json\r\nOrigin: https://example.com\r\nReferer: https://example.com/\r\n" +
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Length: 113\r\nConnection: keep-alive\r\n\r\n"
	graphQLResponse = "HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json; charset=utf-8\r\n" +
		"Cache-Control: max-age=60\r\nETag: W/\"abc\"\r\nVary: Accept-Encoding\r\nContent-Length: 512\r\nConnection: keep-alive\r\n\r\n"
)

// twoRequests differ in their last line, so that neither is a repetition of the other.
func twoRequests() [2][]byte {
	return [2][]byte{[]byte(graphQLRequest), bytes.Replace([]byte(graphQLRequest), []byte("113"), []byte("114"), 1)}
}

func TestNoAllocation(t *testing.T) {
	var h RequestHead
	var r ResponseHead
	var c Chunks
	requests := twoRequests()
	response, body := []byte(graphQLResponse), []byte("5;a\r\n01234\r\n0\r\nX: 1\r\n\r\n")
	dst := make([]byte, 0, 64)
	for name, run := range map[string]func(){
		"request":           func() { h.Parse(requests[0], maxHead); h.Parse(requests[1], maxHead) },
		"repeated request":  func() { h.Parse(requests[0], maxHead) },
		"incomplete":        func() { h.Parse(requests[0][:100], maxHead) },
		"header and count":  func() { h.Header("content-type"); h.Count("accept"); h.Path(); h.Query() },
		"response":          func() { r.Parse(response, maxHead, MethodGet); r.Parse(response, maxHead, MethodHead) },
		"repeated response": func() { r.Parse(response, maxHead, MethodGet) },
		"scan":              func() { c.Reset(); _, _, _ = c.Scan(body) },
		"decode":            func() { c.Reset(); _, _, _, _ = c.Decode(dst, body) },
		"detect":            func() { Detect(requests[0]) },
	} {
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkRequestHead(b *testing.B) {
	requests := twoRequests()
	b.Run("parse", func(b *testing.B) {
		var h RequestHead
		b.SetBytes(int64(len(requests[0])))
		for i := range b.N {
			h.Parse(requests[i&1], maxHead)
		}
	})
	b.Run("repeated", func(b *testing.B) {
		var h RequestHead
		b.SetBytes(int64(len(requests[0])))
		for range b.N {
			h.Parse(requests[0], maxHead)
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		var h fasthttp.RequestHeader
		in := bytes.NewReader(nil)
		r := bufio.NewReaderSize(in, 4096)
		b.SetBytes(int64(len(requests[0])))
		for i := range b.N {
			in.Reset(requests[i&1])
			r.Reset(in)
			if err := h.Read(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkResponseHead(b *testing.B) {
	response := []byte(graphQLResponse)
	b.Run("parse", func(b *testing.B) {
		var h ResponseHead
		for i := range b.N {
			h.Parse(response, maxHead, Method(i&1))
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		var h fasthttp.ResponseHeader
		in := bytes.NewReader(nil)
		r := bufio.NewReaderSize(in, 4096)
		for range b.N {
			in.Reset(response)
			r.Reset(in)
			if err := h.Read(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkChunks(b *testing.B) {
	body := append(append([]byte("1000\r\n"), make([]byte, 4096)...), "\r\n0\r\n\r\n"...)
	b.SetBytes(int64(len(body)))
	var c Chunks
	for range b.N {
		c.Reset()
		_, _, _ = c.Scan(body)
	}
}
