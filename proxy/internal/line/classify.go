package line

import (
	"bytes"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Class says how a request carries GraphQL.
type Class uint8

// Classes.
const (
	Other Class = iota // not GraphQL: relay
	Get                // parameters in the target
	Post               // a JSON body that is to be read
	Blind              // GraphQL that is relayed without being read; Reason tells why
)

// Reason is why a GraphQL request was relayed unread; it is a metric label.
type Reason uint8

// Reasons.
const (
	ReasonNone      Reason = iota
	ReasonBody             // the body is larger than the limit
	ReasonSlow             // the body did not arrive within inspect_wait
	ReasonExpect           // the client waits for 100 Continue from the origin
	ReasonEncoding         // the body is compressed
	ReasonMultipart        // an upload
	ReasonMedia            // another media type
	ReasonEnvelope         // the parameters cannot be read
	ReasonPersisted        // a persisted query that is not known here yet
	ReasonBatch            // a batch that policy does not read
	ReasonUnseen           // too many unseen documents
	ReasonPressure         // memory is short
	ReasonPanic            // a defect in this program
	ReasonTunnel           // messages of a WebSocket connection that could not be read
	reasons
)

var reasonNames = [reasons]string{
	"none", "body", "slow", "expect", "encoding", "multipart", "media", "envelope", "persisted", "batch", "unseen", "pressure", "panic", "tunnel",
}

// String returns the metric label.
func (r Reason) String() string {
	if r < reasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Classify tells from the head alone how the request carries GraphQL.
func Classify(p *policy.Policy, h *wire.RequestHead) (Class, Reason) {
	if !atGraphQL(p, h.Path()) {
		return Other, ReasonNone
	}
	switch h.Method {
	case wire.MethodGet, wire.MethodHead:
		if hasParameter(h.Query(), "query") || hasParameter(h.Query(), "extensions") {
			return Get, ReasonNone
		}
		return Other, ReasonNone
	case wire.MethodPost:
	default:
		return Other, ReasonNone
	}
	switch media := mediaName(h.Header("content-type")); {
	case bytes.EqualFold(media, []byte("application/json")):
	case bytes.EqualFold(media, []byte("multipart/form-data")):
		return Blind, ReasonMultipart
	default:
		return Blind, ReasonMedia
	}
	if e := h.Header("content-encoding"); len(e) > 0 && !bytes.EqualFold(e, []byte("identity")) {
		return Blind, ReasonEncoding
	}
	if steered(h.Query()) {
		return Blind, ReasonEnvelope
	}
	if h.Expect {
		return Blind, ReasonExpect
	}
	if h.Framing == wire.Length && h.ContentLength > int64(p.MaxBody) {
		return Blind, ReasonBody
	}
	return Post, ReasonNone
}

func atGraphQL(p *policy.Policy, path []byte) bool {
	for _, want := range p.Paths {
		if bytes.Equal(path, want) {
			return true
		}
	}
	return false
}

// mediaName returns a media type without its parameters.
func mediaName(v []byte) []byte {
	if i := bytes.IndexByte(v, ';'); i >= 0 {
		v = v[:i]
	}
	return bytes.TrimSpace(v)
}

// negotiate reads Accept; several lines of it are read as one list only by some servers, so they count as something we do not write.
func negotiate(h *wire.RequestHead) answer.Media {
	if h.Count("accept") > 1 {
		return answer.MediaOther
	}
	return answer.Negotiate(h.Header("accept"))
}

// preflighted reports whether a browser would have asked before sending this request to another site: the check that servers make
// against cross-site requests, so that an answer they would have refused is not given from the cache.
func preflighted(h *wire.RequestHead) bool {
	if len(h.Header("apollo-require-preflight")) > 0 || len(h.Header("x-apollo-operation-name")) > 0 {
		return true
	}
	media := mediaName(h.Header("content-type"))
	for _, plain := range []string{"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"} {
		if len(media) == len(plain) && bytes.EqualFold(media, []byte(plain)) {
			return false
		}
	}
	return true
}

// traceID reads the trace id of a traceparent header (W3C Trace Context, section 3.2); zero when there is none.
func traceID(v []byte) (id [16]byte) {
	if len(v) < 55 || v[2] != '-' || v[35] != '-' {
		return id
	}
	for i := range id {
		hi, lo := unhex(v[3+2*i]), unhex(v[4+2*i])
		if hi > 15 || lo > 15 {
			return [16]byte{}
		}
		id[i] = hi<<4 | lo
	}
	return id
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
