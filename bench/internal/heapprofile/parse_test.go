package heapprofile

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/pprof/profile"
)

// sampled is a call stack, innermost function first, with what the profile says of it: bytes and objects allocated, bytes in use.
type sampled struct {
	stack                []string
	bytes, objects, live int64
}

// encoded is a heap profile in its binary form.
func encoded(t *testing.T, types []string, samples ...sampled) []byte {
	t.Helper()
	p := &profile.Profile{PeriodType: &profile.ValueType{Type: "space", Unit: "bytes"}, Period: 512 << 10}
	for _, name := range types {
		p.SampleType = append(p.SampleType, &profile.ValueType{Type: name, Unit: "count"})
	}
	for _, one := range samples {
		s := &profile.Sample{}
		for _, name := range types {
			s.Value = append(s.Value, map[string]int64{"alloc_objects": one.objects, "alloc_space": one.bytes, "inuse_space": one.live}[name])
		}
		for _, name := range one.stack {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			s.Location = append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var heapTypes = []string{"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"}

func anExample(t *testing.T) []byte {
	return encoded(t, heapTypes,
		sampled{[]string{"runtime.makeslice", "example.com/m/cache.(*store).put", "example.com/m/serve.(*conn).run"}, 131168, 3, 131072},
		sampled{[]string{"example.com/m/cache.(*store).put"}, 96, 1, 96},
		sampled{[]string{"example.com/m/ring.(*Ring[go.shape.struct { example.com/m/x.y }]).Put"}, 10, 1, 10},
		sampled{[]string{"bytes.growSlice", "runtime/pprof.writeHeap"}, 3424, 8, 3424},
		sampled{[]string{"runtime.malg"}, 512, 1, 512},
	)
}

func TestParse(t *testing.T) {
	p, err := Parse(anExample(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Site{
		"cache.(*store).put":    {"cache.(*store).put", 131264, 4, 131168},
		"ring.(*Ring[...]).Put": {"ring.(*Ring[...]).Put", 10, 1, 10},
	}
	if len(p.Sites) != len(want) || p.Every != 512<<10 {
		t.Errorf("%+v", p)
	}
	for where, site := range want {
		if p.Sites[where] != site {
			t.Errorf("%+v, want %+v", p.Sites[where], site)
		}
	}
	for _, bad := range [][]byte{nil, []byte("404"), []byte("heap profile: 0: 0 [0: 0] @ heap/2"), encoded(t, []string{"samples", "cpu"})} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// What is live is what the collection found, not what the heap holds when somebody asks: reading the profile allocates.
func TestRead(t *testing.T) {
	metrics := "go_gc_heap_live_bytes 4711\ngo_memstats_heap_alloc_bytes 9999\n"
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/debug/pprof/heap?gc=1":
			_, _ = w.Write(anExample(t))
		case "/metrics":
			_, _ = w.Write([]byte(metrics))
		default:
			http.NotFound(w, r)
		}
	}))
	defer admin.Close()
	p, err := Read(context.Background(), admin.URL)
	if err != nil || p.Live != 4711 || len(p.Sites) != 2 {
		t.Errorf("%+v %v", p, err)
	}
	metrics = "go_goroutines 1\n"
	if _, err := Read(context.Background(), admin.URL); err == nil {
		t.Error("a program that does not say what is live has an answer")
	}
	if _, err := Read(context.Background(), admin.URL+"/nowhere"); err == nil {
		t.Error("a listener without profiles has one")
	}
}

func TestChangesNameWhatCameAndWhatWent(t *testing.T) {
	of := func(live map[string]int64) Profile {
		p := Profile{Sites: map[string]Site{}}
		for where, v := range live {
			p.Sites[where] = Site{Where: where, Live: v}
		}
		return p
	}
	got := Changes(of(map[string]int64{"a": 10, "gone": 30, "same": 5}), of(map[string]int64{"a": 60, "new": 20, "same": 5}), 3)
	want := []Change{{"a", 10, 60}, {"gone", 30, 0}, {"new", 0, 20}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v", got)
	}
	if got[1].By() != -30 {
		t.Error(got[1].By())
	}
}
