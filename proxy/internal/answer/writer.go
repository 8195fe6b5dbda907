package answer

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// Connection says what the answer does to the client's connection.
type Connection struct {
	Minor     int  // of the request's HTTP/1.x version
	KeepAlive bool // an HTTP/1.0 client asked for it
	Close     bool // this is the last answer
}

// Writer writes messages for one connection; it keeps the text of the last Date. It is not safe for concurrent use.
type Writer struct {
	second int64
	date   [len(http.TimeFormat)]byte
}

// Hit describes an answer from the cache.
type Hit struct {
	Connection
	Lines       []byte // header lines to repeat, each with CRLF
	Outward     []byte // header lines for other caches, each with CRLF
	ETag        []byte // empty: none
	BodyLen     int
	NotModified bool  // 304: the caller writes no body
	Age, TTL    int64 // seconds; TTL is negative when stale
	Collapsed   bool
	Fetched     bool   // the entry was fetched for this request: no hit
	Why         []byte // detail of Cache-Status, ready to be written; empty: none
	Detail      string // a token that takes the place of Why: what matters more now; empty: none
	Key         []byte // of Cache-Status; empty: none
	// Cost (a decimal string with currency) and Anomaly go out when Cost is not empty.
	Cost    []byte
	Anomaly float32
}

// AppendHit appends the head of a hit; the caller appends the body of 200 answers to requests other than HEAD.
func (w *Writer) AppendHit(dst []byte, h *Hit, now int64) []byte {
	if h.NotModified {
		dst = append(dst, "HTTP/1.1 304 Not Modified\r\n"...)
	} else {
		dst = append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	dst = append(dst, h.Lines...)
	dst = append(dst, h.Outward...)
	if len(h.ETag) > 0 {
		dst = append(dst, "ETag: "...)
		dst = append(dst, h.ETag...)
		dst = append(dst, "\r\n"...)
	}
	if !h.NotModified {
		dst = appendLength(dst, h.BodyLen)
	}
	dst = append(dst, "Age: "...)
	dst = strconv.AppendInt(dst, h.Age, 10)
	if h.Fetched {
		dst = append(dst, "\r\nCache-Status: weir; fwd=miss; stored; ttl="...)
	} else {
		dst = append(dst, "\r\nCache-Status: weir; hit; ttl="...)
	}
	dst = strconv.AppendInt(dst, h.TTL, 10)
	if h.Collapsed {
		dst = append(dst, "; collapsed"...)
	}
	switch {
	case h.Detail != "":
		dst = append(dst, "; detail="...)
		dst = append(dst, h.Detail...)
	case len(h.Why) > 0:
		dst = append(dst, "; detail="...)
		dst = append(dst, h.Why...)
	}
	if len(h.Key) > 0 {
		dst = AppendKey(dst, h.Key)
	}
	dst = append(dst, "\r\n"...)
	dst = AppendExposed(dst, h.Cost, h.Anomaly)
	return w.finish(dst, h.Connection, now)
}

// AppendForwarded appends the parameter of Cache-Status that tells the origin's status, other than 200.
func AppendForwarded(dst []byte, status int) []byte {
	if status == http.StatusOK || status == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, "; fwd-status="...), int64(status), 10)
}

// AppendStored appends the parameters of Cache-Status of an answer that was stored.
func AppendStored(dst []byte, ttl int64) []byte {
	return strconv.AppendInt(append(dst, "; stored; ttl="...), ttl, 10)
}

// AppendAge appends an Age line.
func AppendAge(dst []byte, age int64) []byte {
	return append(strconv.AppendInt(append(dst, "Age: "...), age, 10), "\r\n"...)
}

// AppendUnlogged appends the Cache-Status of an answer that left before the fleet's log had what it changed.
func AppendUnlogged(dst []byte) []byte {
	return append(dst, "Cache-Status: weir; fwd=bypass; detail=not-logged\r\n"...)
}

// AppendKey appends the parameter of Cache-Status that names the entry: the first half of its key would name it for sure, a quarter is
// enough to tell entries apart. Cost events name it in the same way.
func AppendKey(dst, key []byte) []byte {
	dst = append(dst, `; key="`...)
	dst = hex.AppendEncode(dst, key[:min(len(key), 8)])
	return append(dst, '"')
}

// AppendExposed appends Weir-Cost and Weir-Anomaly when cost is not empty.
func AppendExposed(dst, cost []byte, anomaly float32) []byte {
	if len(cost) == 0 {
		return dst
	}
	dst = append(dst, "Weir-Cost: "...)
	dst = append(dst, cost...)
	dst = append(dst, "\r\nWeir-Anomaly: "...)
	dst = strconv.AppendFloat(dst, float64(anomaly), 'f', 3, 32)
	return append(dst, "\r\n"...)
}

// Failure describes an answer that says no.
type Failure struct {
	Connection
	Status     int
	Code       string // value of Weir-Error; empty: the header is left out
	Media      string // of the body
	Body       []byte
	Head       bool   // answer to HEAD: the body is not written
	Allow      string // value of Allow; empty: none
	RetryAfter int    // seconds; 0: none
	Caching    []byte // lines for caches, each with its CRLF; empty: Cache-Control: no-store
	Unlogged   bool   // see AppendUnlogged
}

// AppendFailure appends a whole message.
func (w *Writer) AppendFailure(dst []byte, f *Failure, now int64) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(f.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, statusText(f.Status)...)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, f.Media...)
	dst = append(dst, "\r\n"...)
	dst = appendLength(dst, len(f.Body))
	if len(f.Caching) > 0 {
		dst = append(dst, f.Caching...)
	} else {
		dst = append(dst, "Cache-Control: no-store\r\n"...)
	}
	if f.Code != "" {
		dst = append(dst, "Weir-Error: "...)
		dst = append(dst, f.Code...)
		dst = append(dst, "\r\n"...)
	}
	if f.Unlogged {
		dst = AppendUnlogged(dst)
	}
	if f.Allow != "" {
		dst = append(dst, "Allow: "...)
		dst = append(dst, f.Allow...)
		dst = append(dst, "\r\n"...)
	}
	if f.RetryAfter > 0 {
		dst = append(dst, "Retry-After: "...)
		dst = strconv.AppendInt(dst, int64(f.RetryAfter), 10)
		dst = append(dst, "\r\n"...)
	}
	dst = w.finish(dst, f.Connection, now)
	if f.Head {
		return dst
	}
	return append(dst, f.Body...)
}

// statusText covers the status that the draft of GraphQL over HTTP adds.
func statusText(status int) string {
	if status == StatusPartialSuccess {
		return "Partial Success"
	}
	return http.StatusText(status)
}

func appendLength(dst []byte, n int) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n"...)
}

// finish appends Date, Connection and the empty line.
func (w *Writer) finish(dst []byte, c Connection, now int64) []byte {
	second := now / int64(time.Second)
	if second != w.second {
		w.second = second
		time.Unix(second, 0).UTC().AppendFormat(w.date[:0], http.TimeFormat)
	}
	dst = append(dst, "Date: "...)
	dst = append(dst, w.date[:]...)
	switch {
	case c.Close:
		dst = append(dst, "\r\nConnection: close"...)
	case c.Minor == 0 && c.KeepAlive:
		dst = append(dst, "\r\nConnection: keep-alive"...)
	}
	return append(dst, "\r\n\r\n"...)
}
