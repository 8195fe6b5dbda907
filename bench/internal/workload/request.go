package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/load"
)

// How the document of an operation is sent.
type persistence uint8

const (
	whole   persistence = iota // the document itself
	apq                        // its hash; the document too when the server does not know the hash
	trusted                    // its hash or id alone
)

// operation is one kind of request, with everything of it that does not change from request to request.
type operation struct {
	label   load.Label
	name    string // operationName; "" sends none
	get     bool
	persist persistence

	// A request's JSON is head, variables, tail. brief is what is sent first with persistence, full what is sent when the document must go along.
	brief, full envelope
	posted      envelope // full as a POST sends it
	variables   program

	fixed   []byte  // header lines of every request
	headers program // header lines with values in them

	batch  int // size; 0: no batch
	picks  picker
	of     []int // indices of operations a batch is made of
	length int   // pad the body to so many bytes; 0: as it is

	status []int // accepted ones; nil: 200
	checks []check
}

// envelope is what stands around the variables: in a POST body, or in the query of a URL.
type envelope struct{ head, tail []byte }

// describe fills the envelopes of an operation with a document. id replaces the hash of a trusted document; asDocumentID sends it as documentId.
func (o *operation) describe(document, id string, asDocumentID bool) {
	o.brief, o.full = o.envelopes(document, id, asDocumentID)
	o.posted = o.full
	if o.get {
		o.get = false
		_, o.posted = o.envelopes(document, id, asDocumentID)
		o.get = true
	}
}

func (o *operation) envelopes(document, id string, asDocumentID bool) (brief, full envelope) {
	hash := id
	if hash == "" {
		sum := sha256.Sum256([]byte(document))
		hash = hex.EncodeToString(sum[:])
	}
	extension := `{"persistedQuery":{"version":1,"sha256Hash":` + string(quote(hash)) + `}}`
	switch {
	case o.persist == whole:
		full = o.around(member("query", document), "")
		return full, full
	case o.persist == apq:
		return o.around("", extension), o.around(member("query", document), extension)
	case asDocumentID:
		full = o.around(member("documentId", hash), "")
		return full, full
	}
	full = o.around("", extension)
	return full, full
}

// member is a field of the envelope: name, NUL, value; around writes it for a body or a URL.
func member(name, value string) string { return name + "\x00" + value }

func (o *operation) around(document, extension string) envelope {
	var fields []string
	if o.name != "" {
		fields = append(fields, member("operationName", o.name))
	}
	if document != "" {
		fields = append(fields, document)
	}
	var e envelope
	for _, f := range fields {
		i := 0
		for f[i] != 0 {
			i++
		}
		name, value := f[:i], f[i+1:]
		if o.get {
			e.head = append(appendQueryEscaped(append(append(e.head, name...), '='), []byte(value)), '&')
		} else {
			e.head = append(appendEscaped(append(append(append(e.head, '"'), name...), `":"`...), []byte(value)), `",`...)
		}
	}
	if o.get {
		e.head = append(e.head, "variables="...)
		if extension != "" {
			e.tail = appendQueryEscaped([]byte("&extensions="), []byte(extension))
		}
		return e
	}
	e.head = append(append([]byte{'{'}, e.head...), `"variables":`...)
	if extension != "" {
		e.tail = append([]byte(`,"extensions":`), extension...)
	}
	e.tail = append(e.tail, '}')
	return e
}

// heads are the parts of requests that depend on the target.
type heads struct {
	target *load.Target
	copied load.Target
	of     []head // by operation
}

type head struct{ start, rest []byte }

func newHeads(w *Workload, t *load.Target) heads {
	h := heads{target: t, copied: *t, of: make([]head, len(w.operations))}
	for i := range w.operations {
		o := &w.operations[i]
		host := " HTTP/1.1\r\n"
		if !o.hasHost() {
			host += "Host: " + t.Host + "\r\n"
		}
		if !o.get {
			h.of[i].start = append([]byte("POST "+t.Path+host), o.fixed...)
			continue
		}
		separator := "?"
		for j := range len(t.Path) {
			if t.Path[j] == '?' {
				separator = "&"
			}
		}
		h.of[i] = head{start: []byte("GET " + t.Path + separator), rest: append([]byte(host), o.fixed...)}
	}
	return h
}

// maxHeads bounds what a stream remembers of targets.
const maxHeads = 64

// head returns the parts for an operation and a target.
func (s *stream) head(t *load.Target, operation int) *head {
	for i := range s.heads {
		if s.heads[i].target == t && s.heads[i].copied == *t {
			return &s.heads[i].of[operation]
		}
	}
	if len(s.heads) == maxHeads {
		s.heads = s.heads[:0]
	}
	s.heads = append(s.heads, newHeads(s.w, t))
	return &s.heads[len(s.heads)-1].of[operation]
}

// write appends the request that a slot holds.
func (s *stream) write(dst []byte, t *load.Target, st *slot) []byte {
	o, h := &s.w.operations[st.operation], s.head(t, st.operation)
	headers, at := st.text[:st.headers], st.headers
	which := bodyBrief
	if st.again {
		which = bodyFull
	}
	dst = append(dst, h.start...)
	if o.get {
		e := o.envelope(which)
		dst = append(dst, e.head...)
		dst = appendQueryEscaped(dst, st.text[at:st.items[0].end])
		dst = append(append(dst, e.tail...), h.rest...)
		return append(append(dst, headers...), "\r\n"...)
	}
	size := 0
	for i := range st.items {
		e := s.w.operations[st.items[i].operation].envelope(which)
		size += len(e.head) + st.items[i].end - at + len(e.tail) + 1
		at = st.items[i].end
	}
	if size--; o.batch > 0 {
		size += 2
	}
	pad := max(0, o.length-size)
	dst = append(append(dst, headers...), "Content-Length: "...)
	dst = append(strconv.AppendInt(dst, int64(size+pad), 10), "\r\n\r\n"...)
	return s.body(dst, o, st, which, pad)
}

// body appends the JSON of the request that a slot holds.
func (s *stream) body(dst []byte, o *operation, st *slot, which bodyKind, pad int) []byte {
	at := st.headers
	for i := range st.items {
		if o.batch > 0 {
			dst = append(dst, "[,"[min(i, 1)])
		}
		e := s.w.operations[st.items[i].operation].envelope(which)
		dst = append(append(dst, e.head...), st.text[at:st.items[i].end]...)
		for range pad {
			dst = append(dst, ' ')
		}
		dst = append(dst, e.tail...)
		at = st.items[i].end
	}
	if o.batch > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// bodyKind names one of an operation's envelopes.
type bodyKind uint8

const (
	bodyBrief bodyKind = iota
	bodyFull
	bodyPosted
)

func (o *operation) envelope(which bodyKind) *envelope {
	switch which {
	case bodyBrief:
		return &o.brief
	case bodyFull:
		return &o.full
	}
	return &o.posted
}
