package wire

import "testing"

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		want        Protocol
	}{
		{"nothing", "", NeedMore},
		{"get", "GET / HTTP/1.1\r\n", HTTP1},
		{"method and space", "POST ", HTTP1},
		{"part of a method", "GE", NeedMore},
		{"part of the preface", "PRI * HTTP", NeedMore},
		{"first byte of the preface", "P", NeedMore},
		{"post", "PO", NeedMore},
		{"preface", preface + "\x00", HTTP2Preface},
		{"PRI that is none", "PRI * HTTP/2.0\r\nHost: a\r\n\r\n", HTTP1},
		{"malformed", "GET  a b c\r\n", HTTP1},
		{"own method", "PURGE / HTTP/1.1\r\n", HTTP1},
		{"own method, no line yet", "PURGE / HTT", NeedMore},
		{"lower case", "get / HTTP/1.1\r\n", HTTP1},
		{"leading CRLF", "\r\n", HTTP1},
		{"TLS", "\x16\x03\x01\x02\x00", TLS},
		{"part of TLS", "\x16", NeedMore},
		{"more of TLS", "\x16\x03", NeedMore},
		{"not TLS", "\x16\x05\x01", Unknown},
		{"not TLS either", "\x16\x03\x05", Unknown},
		{"SMTP", "EHLO example.org\r\n", Unknown},
		{"memcached", "get key\r\n", Unknown},
		{"SSH", "SSH-2.0-OpenSSH_9\r\n", Unknown},
		{"RESP", "*1\r\n$4\r\nPING\r\n", Unknown},
		{"inline command", "PING\r\n", Unknown},
		{"Postgres", "\x00\x00\x00\x08\x04\xd2\x16\x2f", Unknown},
		{"PROXY v1", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", Unknown},
		{"leading space", " GET / HTTP/1.1", Unknown},
		{"long word", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ", Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Detect([]byte(c.bytes)); got != c.want {
				t.Fatalf("%d, want %d", got, c.want)
			}
			for n := range len(c.bytes) {
				if got := Detect([]byte(c.bytes[:n])); got != NeedMore && got != c.want {
					t.Fatalf("%d about the first %d bytes, %d about all", got, n, c.want)
				}
			}
		})
	}
	if got := Detect(append([]byte("WORD "), make([]byte, longestLine)...)); got != Unknown {
		t.Fatalf("an endless line: %d", got)
	}
}
