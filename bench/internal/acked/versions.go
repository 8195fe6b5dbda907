package acked

import (
	"bytes"
	"strconv"
)

// Versions calls f with each `"id":"X","revision":N` of an answer; id is a part of body. JSON white space between the tokens is not expected: the origin
// writes none and a sidecar changes no body.
func Versions(body []byte, f func(id []byte, version int64)) {
	const idKey, revisionKey = `"id":"`, `","revision":`
	for {
		i := bytes.Index(body, []byte(idKey))
		if i < 0 {
			return
		}
		body = body[i+len(idKey):]
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			return
		}
		rest, ok := bytes.CutPrefix(body[end:], []byte(revisionKey))
		if !ok {
			body = body[end:]
			continue
		}
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if n, err := strconv.ParseInt(string(rest[:digits]), 10, 64); err == nil {
			f(body[:end], n)
		}
		body = rest[digits:]
	}
}
