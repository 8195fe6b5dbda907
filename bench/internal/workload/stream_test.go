package workload

import (
	"bytes"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

func TestTheSameSeedAndStreamMakeTheSameRequests(t *testing.T) {
	w := geo(t, GeoOptions{Mutations: 0.1})
	take := func(seed uint64, n int) (out []byte) {
		s := w.Stream(seed, n)
		for i := range 100 {
			out, _ = s.Next(out, &here, i%7)
		}
		return out
	}
	one := take(1, 0)
	if !bytes.Equal(one, take(1, 0)) || bytes.Equal(one, take(2, 0)) || bytes.Equal(one, take(1, 1)) {
		t.Error("seed and stream do not decide alone")
	}
}

func TestRequestsFollowTheTarget(t *testing.T) {
	s := geo(t, GeoOptions{}).Stream(1, 0)
	for i := range 200 { // more targets than a stream remembers
		target := load.Target{Host: "host" + string(rune('a'+i%26)), Path: "/p" + string(rune('a'+i%26))}
		request, _ := s.Next(nil, &target, 0)
		if r, _ := server(t, request); r.Host != target.Host || r.URL.Path != target.Path {
			t.Fatalf("%s %s, want %+v", r.Host, r.URL.Path, target)
		}
	}
	target := here
	s.Next(nil, &target, 0)
	target.Host = "changed:1" // the same pointer
	request, _ := s.Next(nil, &target, 0)
	if r, _ := server(t, request); r.Host != "changed:1" {
		t.Error(r.Host)
	}
}

func TestNextAndJudgeDoNotAllocate(t *testing.T) {
	w := geo(t, GeoOptions{Mutations: 0.1})
	s, other := w.Stream(1, 0), load.Target{Host: "other", Path: "/q"}
	buf := make([]byte, 0, 4096)
	a := load.Reply{Status: 200, Body: answer(1024)}
	i := 0
	run := func() {
		t := &here
		if i++; i%2 == 0 {
			t = &other
		}
		buf, _ = s.Next(buf[:0], t, i%64)
		if f, _ := s.Judge(&a, i%64); f != "" {
			panic(f)
		}
	}
	for range 1000 {
		run()
	}
	if n := testing.AllocsPerRun(5000, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// answer makes a body of about n bytes.
func answer(n int) []byte {
	b := []byte(`{"data":{"cities":[`)
	for len(b) < n-80 {
		b = append(b, `{"id":"2950159","revision":0,"name":"Berlin, \"B\"","population":3426354},`...)
	}
	return append(b, `{"id":"1","revision":0,"name":"x","population":1}]}}`...)
}

func BenchmarkNext(b *testing.B) {
	s := geo(b, GeoOptions{Mutations: 0.02}).Stream(1, 0)
	buf := make([]byte, 0, 4096)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = s.Next(buf[:0], &here, i&63)
		i++
	}
}

func BenchmarkJudge(b *testing.B) {
	for name, n := range map[string]int{"1KiB": 1 << 10, "16KiB": 16 << 10} {
		b.Run(name, func(b *testing.B) {
			s := geo(b, GeoOptions{}).Stream(1, 0)
			s.Next(nil, &here, 0)
			a := load.Reply{Status: 200, Body: answer(n)}
			b.SetBytes(int64(len(a.Body)))
			b.ReportAllocs()
			for b.Loop() {
				s.Judge(&a, 0)
			}
		})
	}
	b.Run("walk-16KiB", func(b *testing.B) {
		body := append([]byte(`{"extensions":{},`), answer(16 << 10)[1:]...)
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			Scan(body, 0)
		}
	})
}
