package truth

import (
	"bytes"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/load"
)

// same sends one body again and again: what is measured is the generator and the wire, as with wrk. It is a load.Source.
type same struct{ body []byte }

// bodyBytes is the size of a GraphQL request as Weir is measured with.
const bodyBytes = 612

func sameBody() *same {
	const head, tail = `{"query":"query City($id: ID!) { city(id: $id) { id name }`, ` }","variables":{"id":"1"}}`
	b := append([]byte(head), bytes.Repeat([]byte(" "), bodyBytes-len(head)-len(tail))...)
	return &same{append(b, tail...)}
}

func (s *same) Labels() []load.Label { return []load.Label{{Name: "City", Kind: load.KindQuery}} }

func (s *same) Stream(uint64, int) load.Stream { return s }

func (s *same) Next(dst []byte, t *load.Target, _ int) (request []byte, operation int) {
	dst = append(append(dst, "POST "...), t.Path...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), t.Host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(s.body)), 10)
	return append(append(dst, "\r\n\r\n"...), s.body...), 0
}

func (s *same) Judge(a *load.Reply, _ int) (failure string, again bool) {
	switch {
	case a.Status != 200:
		return load.FailStatus, false
	case !bytes.HasPrefix(a.Body, []byte(`{"data":`)):
		return load.FailErrors, false
	}
	return "", false
}

func (s *same) Again(dst []byte, _ *load.Target, _ int) []byte { return dst }
