package answer

import "bytes"

// Media is the kind of answer a client accepts.
type Media uint8

// Kinds of answer.
const (
	MediaJSON    Media = iota // application/json
	MediaGraphQL              // application/graphql-response+json
	MediaStream               // only an event stream or a multipart answer
	MediaOther                // nothing that Weir writes
)

// Type returns the value of Content-Type; empty for what Weir does not write.
func (m Media) Type() string {
	switch m {
	case MediaJSON:
		return "application/json; charset=utf-8"
	case MediaGraphQL:
		return "application/graphql-response+json; charset=utf-8"
	}
	return ""
}

// quality is a weight of 0..1000 together with how specific the media range was.
type quality struct{ weight, rank int }

func (q *quality) offer(weight, rank int) {
	if rank > q.rank {
		*q = quality{weight, rank}
	}
}

// Negotiate chooses from the value of Accept (RFC 9110, section 12.5.1). An absent or empty value accepts anything, which means
// JSON. The response media type of GraphQL is chosen only when it is named, and not named below JSON.
func Negotiate(accept []byte) Media {
	switch string(accept) {
	case "", "*/*", "application/json": // what most clients send
		return MediaJSON
	}
	if len(bytes.TrimSpace(accept)) == 0 {
		return MediaJSON
	}
	var json, graphql quality
	stream := false
	for len(accept) > 0 {
		var item []byte
		item, accept = cutItem(accept)
		name, weight := mediaRange(item)
		switch {
		case bytes.EqualFold(name, []byte("application/json")):
			json.offer(weight, 3)
		case bytes.EqualFold(name, []byte("application/graphql-response+json")):
			graphql.offer(weight, 3)
		case bytes.EqualFold(name, []byte("application/*")):
			json.offer(weight, 2)
			graphql.offer(weight, 2)
		case bytes.Equal(name, []byte("*/*")):
			json.offer(weight, 1)
			graphql.offer(weight, 1)
		case bytes.EqualFold(name, []byte("text/event-stream")), bytes.EqualFold(name, []byte("multipart/mixed")):
			stream = stream || weight > 0
		}
	}
	switch {
	case graphql.rank == 3 && graphql.weight > 0 && graphql.weight >= json.weight:
		return MediaGraphQL
	case json.weight > 0:
		return MediaJSON
	case graphql.weight > 0:
		return MediaGraphQL
	case stream:
		return MediaStream
	}
	return MediaOther
}

// Accepts tells whether the value of Accept names a media type.
func Accepts(accept []byte, media string) bool {
	for len(accept) > 0 {
		var item []byte
		item, accept = cutItem(accept)
		if name, weight := mediaRange(item); weight > 0 && bytes.EqualFold(name, []byte(media)) {
			return true
		}
	}
	return false
}

// cutItem splits a list at its first comma outside quotes.
func cutItem(list []byte) (item, rest []byte) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				return list[:i], list[i+1:]
			}
		}
	}
	return list, nil
}

// mediaRange returns the name of a media range and its weight in thousandths; a malformed weight counts as 0.
func mediaRange(item []byte) (name []byte, weight int) {
	name, params, _ := bytes.Cut(item, []byte(";"))
	weight = 1000
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte(";"))
		p = bytes.TrimSpace(p)
		if len(p) >= 2 && (p[0] == 'q' || p[0] == 'Q') && p[1] == '=' {
			weight = parseWeight(p[2:])
		}
	}
	return bytes.TrimSpace(name), weight
}

func parseWeight(b []byte) int {
	if len(b) == 0 || len(b) > 5 || (b[0] != '0' && b[0] != '1') {
		return 0
	}
	w := int(b[0]-'0') * 1000
	if len(b) == 1 {
		return w
	}
	if b[1] != '.' {
		return 0
	}
	for i, unit := 2, 100; i < len(b); i, unit = i+1, unit/10 {
		if b[i] < '0' || b[i] > '9' {
			return 0
		}
		w += int(b[i]-'0') * unit
	}
	return min(w, 1000)
}
