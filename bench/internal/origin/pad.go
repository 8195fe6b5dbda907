package origin

import (
	"encoding/json"
	"hash/fnv"

	"github.com/weirproxy/weir/bench/internal/origin/draw"
)

const (
	padBegin = `,"extensions":{"padding":"`
	padEnd   = `"}}`
)

// pad brings a result to exactly so many bytes by a text in its extensions, which every client accepts for every selection. A result that is longer, or too
// near to the size for the padding's own frame, stays as it is.
func pad(result []byte, size int, seed uint64) []byte {
	room := size - len(result) - len(padBegin) - len(padEnd) + 1
	if room < 0 || len(result) == 0 || result[len(result)-1] != '}' {
		return result
	}
	out := make([]byte, 0, size)
	out = append(out, result[:len(result)-1]...)
	out = append(out, padBegin...)
	begin := len(out)
	out = out[:begin+room]
	draw.Text(out[begin:], draw.Stream(seed, "padding"))
	return append(out, padEnd...)
}

// sized pads a result to the size that its request has by the distribution: the same query with the same variables has the same size each time.
func (s *Server) sized(result []byte, e *envelope, query string) []byte {
	if s.size.Zero() {
		return result
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(query)) // a hash never fails
	if variables, err := json.Marshal(e.Variables); err == nil {
		_, _ = h.Write(variables)
	}
	return pad(result, int(min(draw.MaxSize, s.size.At(draw.Stream(s.spec.Seed, "size"), h.Sum64()))), s.spec.Seed)
}
