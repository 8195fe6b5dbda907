package serve

import "bytes"

// conditional returns a copy of a request whose head has the given size, without the client's conditions and with that of the entry that the
// answer is to renew; an empty etag: without any. What the client has is nothing to renew an entry by.
func conditional(message []byte, size int, etag []byte) []byte {
	out := make([]byte, 0, len(message)+len(etag)+len("If-None-Match: \r\n"))
	head := message[:size-len("\r\n")]
	for len(head) > 0 {
		line := head
		if i := bytes.IndexByte(head, '\n'); i >= 0 {
			line = head[:i+1]
		}
		head = head[len(line):]
		if name, _, ok := bytes.Cut(line, []byte(":")); ok && condition(name) {
			continue
		}
		out = append(out, line...)
	}
	if len(etag) > 0 {
		out = append(append(append(out, "If-None-Match: "...), etag...), "\r\n"...)
	}
	return append(out, message[size-len("\r\n"):]...)
}

func condition(name []byte) bool {
	for _, c := range [...]string{"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"} {
		if len(name) == len(c) && bytes.EqualFold(name, []byte(c)) {
			return true
		}
	}
	return false
}
