package load

import (
	"bytes"
	"strconv"
)

// mixStream sends the requests of a Mix.
type mixStream struct {
	draw *Draw
	body []byte
}

// Stream draws from the mix.
func (m *Mix) Stream(seed uint64, n int) Stream { return &mixStream{draw: m.Draw(seed, uint64(n))} }

func (s *mixStream) Next(dst []byte, t *Target, _ int) ([]byte, int) {
	op, index := s.draw.next()
	s.body = op.AppendBody(s.body[:0], s.draw)
	dst = append(append(append(dst, "POST "...), t.Path...), " HTTP/1.1\r\nHost: "...)
	dst = append(append(dst, t.Host...), "\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(s.body)), 10)
	return append(append(dst, "\r\n\r\n"...), s.body...), index
}

func (s *mixStream) Judge(a *Reply, _ int) (string, bool) { return verdict(a.Status, a.Body), false }

func (s *mixStream) Again(dst []byte, _ *Target, _ int) []byte { return dst }

// verdict is what an answer of the GeoNames service is worth.
func verdict(status int, body []byte) string {
	switch {
	case status != 200:
		return FailStatus
	case bytes.Contains(body, []byte(`"errors":[`)) || !bytes.Contains(body, []byte(`"data":`)):
		return FailErrors
	}
	return ""
}
