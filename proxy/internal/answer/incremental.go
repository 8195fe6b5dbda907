package answer

import "bytes"

// Incremental is the form in which a client takes an answer in parts.
type Incremental uint8

// The forms, by the parameter of multipart/mixed or text/event-stream in Accept.
const (
	IncrementalNone Incremental = iota
	Incremental2022             // deferSpec=20220824
	IncrementalV02              // incrementalSpec=v0.2
)

// Type returns the value of Content-Type.
func (i Incremental) Type() string {
	if i == Incremental2022 {
		return `multipart/mixed; boundary="-"; deferSpec=20220824`
	}
	return `multipart/mixed; boundary="-"; incrementalSpec=v0.2`
}

// NegotiateIncremental chooses from the value of Accept: the form that is preferred, of those that are the same the newer one. A client that
// names neither takes none. events: the parts are to come as an event stream.
func NegotiateIncremental(accept []byte) (best Incremental, events bool) {
	weight := 0
	for len(accept) > 0 {
		var item []byte
		item, accept = cutItem(accept)
		name, w := mediaRange(item)
		stream := bytes.EqualFold(name, []byte("text/event-stream"))
		if w == 0 || !stream && !bytes.EqualFold(name, []byte("multipart/mixed")) {
			continue
		}
		if form := incremental(item); form != IncrementalNone && (w > weight || w == weight && form > best) {
			best, events, weight = form, stream, w
		}
	}
	return best, events
}

// incremental reads the parameters of a media range.
func incremental(item []byte) Incremental {
	for len(item) > 0 {
		var p []byte
		p, item, _ = bytes.Cut(item, []byte{';'})
		name, value, _ := bytes.Cut(bytes.TrimSpace(p), []byte{'='})
		value = bytes.Trim(value, `"`)
		switch {
		case bytes.EqualFold(name, []byte("deferSpec")) && string(value) == "20220824":
			return Incremental2022
		case bytes.EqualFold(name, []byte("incrementalSpec")) && string(value) == "v0.2":
			return IncrementalV02
		}
	}
	return IncrementalNone
}
