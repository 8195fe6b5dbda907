package workload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

func geo(t testing.TB, o GeoOptions) *Workload {
	t.Helper()
	w, err := GeoNames(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// server reads a request as net/http does.
func server(t *testing.T, request []byte) (r *http.Request, body []byte) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(request))
	r, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("%v: %q", err, request)
	}
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Fatalf("more bytes than one request: %q", request)
	}
	return r, body
}

func TestGeoNamesRequests(t *testing.T) {
	w := geo(t, GeoOptions{Mutations: 0.2})
	s := w.Stream(1, 0)
	var all []byte
	seen := map[int]bool{}
	for range 200 {
		request, op := s.Next(nil, &here, 0)
		r, body := server(t, request)
		var in struct {
			OperationName, Query string
			Variables            map[string]any
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatal(err)
		}
		if r.Method != "POST" || r.URL.Path != "/graphql" || in.OperationName != w.Labels()[op].Name || r.Host != here.Host {
			t.Fatalf("%s", request)
		}
		if strings.Contains(in.Query, "population") && strings.Contains(in.Query, "ity(") && !strings.Contains(in.Query, "{ id revision ") {
			t.Errorf("%s has a City without id revision", in.Query)
		}
		if !seen[op] {
			all = append(append(all, request...), '\n')
		}
		seen[op] = true
	}
	golden(t, "geonames.txt", all)
	if len(seen) != 6 || w.Name() != "geonames" {
		t.Errorf("%v", seen)
	}
}

func TestGeoNamesIsSkewedAsZipfSays(t *testing.T) {
	const draws = 200_000
	cities, err := origin.TopCities(2000)
	if err != nil {
		t.Fatal(err)
	}
	w := geo(t, GeoOptions{Operations: []string{"CityName"}})
	s, counts := w.Stream(1, 0), map[string]float64{}
	var buf []byte
	for range draws {
		buf, _ = s.Next(buf[:0], &here, 0)
		id := string(buf[bytes.LastIndex(buf, []byte(`"id":"`))+6 : len(buf)-3])
		counts[id]++
	}
	sum := 0.0
	for i := range cities {
		sum += math.Pow(float64(i+1), -geoExponent)
	}
	for _, i := range []int{0, 1, 9, 99} {
		want := draws * math.Pow(float64(i+1), -geoExponent) / sum
		if got := counts[cities[i]]; math.Abs(got-want) > 4*math.Sqrt(want) {
			t.Errorf("rank %d: drawn %v times, want %v", i+1, got, want)
		}
	}
}

func TestGeoNamesShareOfMutations(t *testing.T) {
	const draws = 100_000
	for share, want := range map[float64]float64{0: 0, 0.02: 2000, 1: draws} {
		w := geo(t, GeoOptions{Mutations: share})
		s, got := w.Stream(3, 1), 0.0
		var buf []byte
		var op int
		for range draws {
			if buf, op = s.Next(buf[:0], &here, 5); w.Labels()[op].Kind == load.KindMutation {
				got++
			}
		}
		if math.Abs(got-want) > 4*math.Sqrt(want*(1-share)) {
			t.Errorf("a share of %v: %v mutations of %v", share, got, draws)
		}
	}
}

func TestGeoNamesBodiesHaveTheLengthAskedFor(t *testing.T) {
	for _, n := range []int{259, 260, 612, 16 << 10} {
		w := geo(t, GeoOptions{Mutations: 0.5, BodyBytes: n})
		s := w.Stream(1, 0)
		documents := map[int]string{}
		for range 500 {
			request, op := s.Next(nil, &here, 0)
			_, body := server(t, request)
			var in struct{ Query string }
			if err := json.Unmarshal(body, &in); err != nil || len(body) != n {
				t.Fatalf("%d bytes, want %d: %v %s", len(body), n, err, body)
			}
			if d, ok := documents[op]; ok && d != in.Query {
				t.Fatalf("two documents of one operation:\n%s\n%s", d, in.Query)
			}
			documents[op] = in.Query
		}
		if b := w.Body(4); len(b) != n || !json.Valid(b) {
			t.Errorf("Body has %d bytes, want %d: %s", len(b), n, b)
		}
	}
}

func TestGeoNamesRefusesWhatItCannotDo(t *testing.T) {
	for want, o := range map[string]GeoOptions{
		"-1 entities; ask for 1 or more":                         {Entities: -1},
		"a share of mutations of 1.5; write 0 to 1":              {Mutations: 1.5},
		`there is no operation "Town"; there are City, CityName`: {Operations: []string{"Town"}},
		"no query is left; name City":                            {Operations: []string{"SetPopulation"}, Mutations: 0.5},
		"no mutation is left; name SetPopulation too":            {Operations: []string{"City"}, Mutations: 0.5},
		"bodies of 100 bytes; City needs":                        {BodyBytes: 100},
	} {
		if _, err := GeoNames(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

func TestBodyIsAQueryAndFollowsTheSeed(t *testing.T) {
	w := geo(t, GeoOptions{Mutations: 0.9})
	seen := map[string]bool{}
	for seed := range uint64(50) {
		b := w.Body(seed)
		if !json.Valid(b) || bytes.Contains(b, []byte("mutation")) || !bytes.Equal(b, w.Body(seed)) {
			t.Fatalf("%s", b)
		}
		seen[string(b)] = true
	}
	if len(seen) < 10 {
		t.Errorf("%d bodies of 50 seeds", len(seen))
	}
}
