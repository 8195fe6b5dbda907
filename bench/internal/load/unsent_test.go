package load

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
)

// TestUnsentRequestsAreOfTheirOperation never answers: what could not be sent belongs to the operation whose turn it was.
func TestUnsentRequestsAreOfTheirOperation(t *testing.T) {
	to := raw(t, func(c net.Conn, _ int) {
		for in := bufio.NewReader(c); request(c, in); { // and says nothing
		}
	})
	got := run(t, runner(t, Config{
		Targets: []Target{to}, Source: &turns{}, Connections: 1, Duration: 100 * time.Millisecond, Timeout: 50 * time.Millisecond, Arrivals: arrival.Constant(200),
	}))
	of := map[string]int64{}
	for _, op := range got.Operations {
		of[op.Name] = op.Stats.Failures[FailUnsent]
	}
	if all := got.Total.Failures[FailUnsent]; all < 10 || of["Even"] < all/2-1 || of["Odd"] < all/2-1 || of["Even"]+of["Odd"] != all {
		t.Errorf("%d unsent, by operation %v", all, of)
	}
}

// turns sends one operation and the other in turn.
type turns struct {
	fixed
	n int
}

func (*turns) Labels() []Label           { return []Label{{"Even", KindQuery}, {"Odd", KindQuery}} }
func (*turns) Stream(uint64, int) Stream { return &turns{} }

func (s *turns) Next(dst []byte, t *Target, index int) ([]byte, int) {
	dst, _ = s.fixed.Next(dst, t, index)
	s.n++
	return dst, s.n % 2
}
