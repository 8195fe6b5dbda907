package replay

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/planner"
)

// known is what an operation turned out to be.
type known struct {
	label load.Label
	why   string // it is left out; "" when it is not
}

const (
	maxKnown  = 1 << 16 // operations remembered while reading
	maxName   = 120
	anonymous = "anonymous"
	others    = "(others)" // label of what came after maxLabels
)

// request is one recorded HTTP request.
type request struct {
	at      time.Time // zero: none
	get     bool
	query   string // of the URL
	body    []byte
	headers []Header
}

// post takes a POST with a JSON body.
func (r *reader) post(q *request) error {
	if len(q.body) > maxText {
		r.skip("a body of more than %d MiB", chunkSize>>20)
		return nil
	}
	if planner.IsBatch(q.body) {
		return r.batch(q)
	}
	var p planner.Request
	if err := planner.ParseRequest(q.body, &p); err != nil {
		r.skip("no GraphQL request: %s", err.Message)
		return nil //nolint:nilerr // it is counted as left out
	}
	k := r.classify(&p, member(q.body, "documentId"))
	return r.add(q, q.body, p.Variables, k, 0)
}

func (r *reader) batch(q *request) error {
	items, problem := planner.SplitBatch(q.body, nil)
	if problem != nil || len(items) == 0 || len(items) > math.MaxUint16 {
		r.skip("no GraphQL batch")
		return nil //nolint:nilerr // it is counted as left out
	}
	name := ""
	for _, item := range items {
		var p planner.Request
		if err := planner.ParseRequest(item, &p); err != nil {
			r.skip("no GraphQL request: %s", err.Message)
			return nil //nolint:nilerr // it is counted as left out
		}
		k := r.classify(&p, member(item, "documentId"))
		if k.why != "" {
			r.skip("in a batch, %s", k.why)
			return nil
		}
		if !strings.Contains("+"+name+"+", "+"+k.label.Name+"+") && len(name)+len(k.label.Name) < maxName {
			name = strings.TrimPrefix(name+"+"+k.label.Name, "+")
		}
	}
	return r.add(q, q.body, nil, known{label: load.Label{Name: name, Kind: load.KindBatch}}, len(items))
}

// fromURL takes a GET with the request in the query of its URL.
func (r *reader) fromURL(q *request) error {
	values, err := url.ParseQuery(q.query)
	if err != nil || len(q.query) > maxText || strings.ContainsFunc(q.query, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '#' }) {
		r.skip("a query of a URL that cannot be sent")
		return nil //nolint:nilerr // it is counted as left out
	}
	p := planner.Request{Query: []byte(values.Get("query")), OperationName: []byte(values.Get("operationName"))}
	var extensions struct {
		PersistedQuery struct{ SHA256Hash string }
	}
	if text := values.Get("extensions"); text != "" {
		if json.Unmarshal([]byte(text), &extensions) == nil {
			p.APQHash = []byte(extensions.PersistedQuery.SHA256Hash)
		}
	}
	k := r.classify(&p, []byte(values.Get("documentId")))
	if k.label.Kind == load.KindMutation {
		k.why = "a mutation by GET"
	}
	var variables []byte
	if _, after, ok := strings.Cut("&"+q.query, "&variables="); ok {
		text, _, _ := strings.Cut(after, "&")
		variables = []byte(text)
	}
	return r.add(q, []byte(q.query), variables, k, 0)
}

// classify names an operation and says whether it can be sent.
func (r *reader) classify(p *planner.Request, documentID []byte) known {
	r.scratch = append(p.AppendOperationName(r.scratch[:0]), 0)
	split := len(r.scratch)
	r.scratch = p.AppendDocument(r.scratch)
	name, document := r.scratch[:split-1], r.scratch[split:]
	if len(document) == 0 {
		if len(p.APQHash) == 0 && (len(documentID) == 0 || string(documentID) == "null") {
			return known{why: "neither document nor hash"}
		}
		return known{label: load.Label{Name: shorten(string(name)), Kind: load.KindQuery}}
	}
	if k, ok := r.known[string(r.scratch)]; ok {
		return k
	}
	k := classify(string(document), string(name))
	if len(r.known) < maxKnown && len(r.scratch) < 64<<10 {
		r.known[string(r.scratch)] = k
	}
	return k
}

func classify(document, name string) known {
	plan := planner.Build(nil, document, name, planner.Options{})
	k := known{label: load.Label{Name: shorten(plan.Name()), Kind: load.KindQuery}}
	switch plan.Kind().String() {
	case "query":
	case "mutation":
		k.label.Kind = load.KindMutation
	case "subscription":
		k.why = "a subscription"
	default: // not to be parsed: what was sent is sent again, when it means to be GraphQL
		k.label.Name = shorten(name)
		if !looksLikeGraphQL(document) {
			k.why = "no GraphQL document"
		}
	}
	return k
}

func looksLikeGraphQL(document string) bool {
	document = strings.TrimLeft(document, " \t\r\n,\ufeff")
	for _, start := range []string{"{", "#", "query", "mutation", "fragment", "subscription"} {
		if strings.HasPrefix(document, start) {
			return true
		}
	}
	return false
}

func shorten(name string) string {
	if name == "" {
		return anonymous
	}
	if len(name) > maxName {
		return strings.ToValidUTF8(name[:maxName], "") + "…"
	}
	return name
}

// add keeps a request. text is the body or the query of the URL, and variables a part of it; the rest is expected to repeat.
func (r *reader) add(q *request, text, variables []byte, k known, batch int) error {
	switch {
	case k.why != "":
		r.skip("%s", k.why)
		return nil
	case q.at.IsZero() && !r.Untimed:
		r.skip("no time")
		return nil
	}
	e := entry{at: q.at.UnixNano(), batch: uint16(batch), get: q.get, label: r.label(k.label)}
	if q.at.IsZero() {
		e.at = int64(len(r.entries)) // only the order counts
	}
	split := len(text)
	if len(variables) > 0 {
		split = bytes.Index(text, variables) // equal text before them is as good
	}
	r.scratch = r.headerLines(r.scratch[:0], q.headers, !q.get)
	var err error
	for _, part := range []struct {
		to   *ref
		text []byte
	}{{&e.head, text[:split]}, {&e.variables, variables}, {&e.tail, text[split+len(variables):]}, {&e.headers, r.scratch}} {
		if len(part.text) > maxText {
			r.skip("headers of more than %d MiB", chunkSize>>20)
			return nil
		}
		if *part.to, err = r.store.keep(part.text); err != nil {
			return err
		}
	}
	r.entries = append(r.entries, e)
	return nil
}

// label numbers a label.
func (r *reader) label(l load.Label) uint32 {
	n, ok := r.byLabel[l]
	if ok {
		return n
	}
	if len(r.labels) >= maxLabels {
		l.Name = others
		if n, ok := r.byLabel[l]; ok {
			return n
		}
	}
	n = uint32(len(r.labels))
	r.byLabel[l] = n
	r.labels = append(r.labels, l)
	return n
}

// member is a member of a JSON object that is known to be valid; nil when there is none.
func member(object []byte, name string) []byte {
	if !bytes.Contains(object, []byte(`"`+name+`"`)) {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	return members[name]
}
