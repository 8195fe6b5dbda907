package drive

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

// verdicts is a source of two operations whose stream judges by the status.
type verdicts struct{}

func (verdicts) Labels() []load.Label {
	return []load.Label{{Name: "A", Kind: load.KindQuery}, {Name: "B", Kind: load.KindQuery}}
}
func (verdicts) Stream(uint64, int) load.Stream { return &verdictStream{} }

type verdictStream struct{ n int }

func (s *verdictStream) Next(dst []byte, _ *load.Target, _ int) ([]byte, int) {
	s.n++
	return dst, s.n % 2
}

func (*verdictStream) Judge(a *load.Reply, _ int) (string, bool) {
	if a.Status == 200 {
		return "", false
	}
	return "status", false
}

func (*verdictStream) Again(dst []byte, _ *load.Target, _ int) []byte { return dst }

func TestFirstFailureOfEachKindIsShown(t *testing.T) {
	var told []string
	w := &witness{Source: verdicts{}, tell: func(text string) { told = append(told, text) }, seen: map[string]bool{}}
	for n := range 2 {
		s := w.Stream(1, n)
		for slot := range 4 {
			s.Next(nil, nil, slot)
		}
		s.Judge(&load.Reply{Status: 200, Body: []byte("{}")}, 1)
		s.Judge(&load.Reply{Status: 503, Body: []byte("<h1>Down</h1>\r\n\x1b[31mnow")}, 2)
		s.Judge(&load.Reply{Status: 500}, 3)
	}
	if want := "first failure (status) is of B: status 503 <h1>Down</h1>  [31mnow"; len(told) != 1 || told[0] != want {
		t.Errorf("%q", told)
	}
}

func TestExcerptIsShort(t *testing.T) {
	if s := excerpt([]byte(strings.Repeat("é", 1000))); len([]rune(s)) != maxShown+1 || !strings.HasSuffix(s, "é…") {
		t.Errorf("%q", s)
	}
	if s := excerpt(nil); s != "without a body" {
		t.Errorf("%q", s)
	}
}

func TestWitnessAllocatesNothing(t *testing.T) {
	w := &witness{Source: verdicts{}, tell: func(string) {}, seen: map[string]bool{}}
	s := w.Stream(1, 0)
	ok, bad := &load.Reply{Status: 200}, &load.Reply{Status: 500}
	s.Next(nil, nil, 0)
	s.Judge(bad, 0)
	if n := testing.AllocsPerRun(1000, func() {
		s.Next(nil, nil, 0)
		s.Judge(ok, 0)
		s.Judge(bad, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
