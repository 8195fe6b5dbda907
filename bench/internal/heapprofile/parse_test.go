package heapprofile

import (
	"math"
	"strings"
	"testing"
)

const text = `heap profile: 3: 131168 [12: 134640] @ heap/131072
2: 131072 [3: 131168] @ 0x1 0x2 0x3
#	0x1	runtime.makeslice+0x11		/go/src/runtime/slice.go:1
#	0x2	example.com/m/cache.(*store).put+0x22	/m/cache/store.go:10
#	0x3	example.com/m/serve.(*conn).run+0x33	/m/serve/conn.go:20

1: 96 [1: 96] @ 0x1 0x2
#	0x2	example.com/m/cache.(*store).put+0x99	/m/cache/store.go:12

0: 0 [8: 3424] @ 0x9
#	0x9	bytes.growSlice+0x9	/go/src/bytes/buffer.go:1
#	0x9	runtime/pprof.writeHeap+0x9	/go/src/runtime/pprof/pprof.go:1


# runtime.MemStats
# Alloc = 200000
# HeapAlloc = 200000
`

func TestParse(t *testing.T) {
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	put := p.Sites["cache.(*store).put"]
	// An object of the sampling distance is seen with a probability of 1−1/e; one of 96 bytes stands for about 683 like it.
	want := 131072/(1-1/math.E) + 65536 + 48
	if p.Live != 200000 || len(p.Sites) != 1 || put.Bytes != 131264 || put.Objects != 4 || math.Abs(put.Live-want) > 2 {
		t.Errorf("%+v, want %.0f", p, want)
	}
	for _, bad := range []string{"", "404", "heap profile: 1\nx: y\n", "heap profile: 0: 0 [0: 0] @ heap/x", "heap profile: 0: 0 [0: 0] @ heap/2\n# HeapAlloc = x"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	all, err := Parse(strings.Replace(text, "heap/131072", "heap/2", 1))
	if err != nil || all.Sites["cache.(*store).put"].Live != 131168 {
		t.Errorf("a profile of everything is scaled: %+v %v", all, err)
	}
}

func TestChangesNameWhatCameAndWhatWent(t *testing.T) {
	of := func(live map[string]float64) Profile {
		p := Profile{Sites: map[string]Site{}}
		for where, v := range live {
			p.Sites[where] = Site{Where: where, Live: v}
		}
		return p
	}
	got := Changes(of(map[string]float64{"a": 10, "gone": 30, "same": 5}), of(map[string]float64{"a": 60, "new": 20, "same": 5}), 3)
	want := []Change{{"a", 10, 60}, {"gone", 30, 0}, {"new", 0, 20}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v", got)
	}
	if got[1].By() != -30 {
		t.Error(got[1].By())
	}
}
