package workload

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// draws takes n values of the variable v of a workload with these named variables.
func draws(t *testing.T, variables string, n int) []string {
	t.Helper()
	s := one(t, "variables:\n  v: "+variables+"\noperations:\n  - document: \"query A($v: Any) { a }\"\n    variables: {v: \"${v}\"}\n")
	const before, after = `"variables":{"v":`, `}}`
	var out []string
	var buf []byte
	for range n {
		buf, _ = s.Next(buf[:0], &here, 0)
		at := bytes.Index(buf, []byte(before))
		if at < 0 || !bytes.HasSuffix(buf, []byte(after)) {
			t.Fatalf("%s", buf)
		}
		out = append(out, string(buf[at+len(before):len(buf)-len(after)]))
	}
	if !json.Valid([]byte(out[0])) {
		t.Fatal(out[0])
	}
	return out
}

func TestGenerators(t *testing.T) {
	for variables, want := range map[string]string{
		`{sequence: {}}`:                                                  "1 2 3 4 5 6",
		`{sequence: {start: 10, step: -5}}`:                               "10 5 0 -5 -10 -15",
		`{sequence: {start: 1, step: 2, end: 6}}`:                         "1 3 5 1 3 5",
		`{sequence: {start: 3, step: -1, end: 2}}`:                        "3 2 3 2 3 2",
		`{constant: {a: ["${v}", 1.50, null, true]}}`:                     strings.TrimSpace(strings.Repeat(`{"a":["${v}",1.50,null,true]} `, 6)),
		`{constant: 5}`:                                                   "5 5 5 5 5 5",
		`{list: {values: [a, 2, null], draw: sequence}}`:                  `"a" 2 null "a" 2 null`,
		`{csv: {file: people.csv, column: id, draw: sequence}}`:           `"7" "8" "7" "8" "7" "8"`,
		`{csv: {file: people.csv, column: id, draw: sequence, as: json}}`: `7 8 7 8 7 8`,
		`plain`:                             `"plain" "plain" "plain" "plain" "plain" "plain"`,
		`"$${v} $1"`:                        strings.TrimSpace(strings.Repeat(`"${v} $1" `, 6)),
		`0x1f`:                              "31 31 31 31 31 31",
		`{zipf: {n: 1, start: 7}}`:          "7 7 7 7 7 7",
		`{uniform: {min: 2.50, max: 2.50}}`: "2.50 2.50 2.50 2.50 2.50 2.50",
		`"tab\t\"quote\" \\ \u0001é"`:       strings.TrimSpace(strings.Repeat(`"tab\t\"quote\" \\ \u0001é" `, 6)),
	} {
		if got := strings.Join(draws(t, variables, 6), " "); got != want {
			t.Errorf("%s: %s, want %s", variables, got, want)
		}
	}
	id := regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`)
	seen := map[string]bool{}
	for _, v := range draws(t, `{uuid: true}`, 1000) {
		if seen[v] = true; !id.MatchString(v) {
			t.Fatal(v)
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d UUIDs of 1000 differ", len(seen))
	}
}

// expect compares counts of n draws with probabilities, within four standard errors.
func expect(t *testing.T, name string, got []string, probability map[string]float64) {
	t.Helper()
	counts := map[string]float64{}
	for _, v := range got {
		counts[v]++
	}
	n := float64(len(got))
	for v, p := range probability {
		if math.Abs(counts[v]-n*p) > 4*math.Sqrt(n*p*(1-p))+1e-9 {
			t.Errorf("%s: %s was drawn %v times of %v, want %v", name, v, counts[v], n, n*p)
		}
	}
}

func TestDistributions(t *testing.T) {
	const n = 60_000
	expect(t, "list", draws(t, `{list: [a, b, c, d]}`, n), map[string]float64{`"a"`: .25, `"b"`: .25, `"c"`: .25, `"d"`: .25})
	expect(t, "weights", draws(t, `{list: {values: [a, b, c, d], weights: [6, 3, 0, 1]}}`, n), map[string]float64{`"a"`: .6, `"b"`: .3, `"c"`: 0, `"d"`: .1})
	expect(t, "uniform", draws(t, `{uniform: {min: -1, max: 2}}`, n), map[string]float64{`-1`: .25, `0`: .25, `1`: .25, `2`: .25})
	expect(t, "csv", draws(t, `{csv: {file: people.csv, column: name}}`, n), map[string]float64{`"Ada"`: .5, `"Bob"`: .5})
	total := 1 + 1/2. + 1/3.
	expect(t, "zipf of", draws(t, `{zipf: {of: [a, b, c], s: 1}}`, n), map[string]float64{`"a"`: 1 / total, `"b"`: 1 / 2. / total, `"c"`: 1 / 3. / total})
	low, sum := 0, 0.0
	for _, v := range draws(t, `{uniform: {min: 0.5, max: 2.50}}`, n) {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f < 0.5 || f > 2.5 || len(v) != 4 {
			t.Fatal(v)
		}
		if sum += f; f < 1 {
			low++
		}
	}
	if math.Abs(sum/n-1.5) > 0.02 || math.Abs(float64(low)-n/4) > 4*math.Sqrt(n*3/16.) {
		t.Errorf("mean %v, %d below 1", sum/n, low)
	}
}

// Ranks drawn by rejection follow the same law as those of the table, for exponents on both sides of 1.
func TestZipfOfManyRanksFollowsItsLaw(t *testing.T) {
	const ranks, n = 100_000, 100_000
	for _, s := range []float64{0.5, 0.99, 1, 1.1, 2.5} {
		p := byZipf(ranks, s)
		if p.how != pickZipf {
			t.Fatal("a table of that many ranks")
		}
		r := (&Workload{}).stream(5, 0).random
		buckets := []uint64{0, 1, 2, 10, 100, 10_000, ranks - 1}
		counts, want, sum := make([]float64, len(buckets)), make([]float64, len(buckets)), 0.0
		for k := range uint64(ranks) {
			w := math.Pow(float64(k+1), -s)
			sum += w
			for i, b := range buckets {
				if k <= b {
					want[i] += w
				}
			}
		}
		for range n {
			k := p.pick(&r, nil)
			for i, b := range buckets {
				if k <= b {
					counts[i]++
				}
			}
		}
		for i := range buckets {
			share := want[i] / sum
			if math.Abs(counts[i]-n*share) > 4*math.Sqrt(n*share*(1-share))+1 {
				t.Errorf("s = %v: %v of %d draws are at most rank %d, want %.0f", s, counts[i], n, buckets[i]+1, n*share)
			}
		}
	}
}

func TestThreadsCountApart(t *testing.T) {
	w, err := compileText("variables: {v: {sequence: {start: 5, step: 2}}}\noperations:\n  - document: \"query A($v: Int) { a }\"\n    variables: {v: \"${v}\"}\n")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{0: `{"v":5}}`, 1: `{"v":20000005}}`} {
		if request, _ := w.Stream(1, n).Next(nil, &here, 0); !strings.HasSuffix(string(request), want) {
			t.Errorf("%s, want %s", request, want)
		}
	}
}

func TestOneRequestHasOneValueOfAName(t *testing.T) {
	s := one(t, `
variables:
  n: {zipf: {n: 1000000}}
  row: {csv: {file: people.csv}}
  both: ${n}/${row.id}
  object: {deep: [{n: "${n}"}], text: "<${both}>"}
headers: {X-N: "${n}", X-Both: "${both}", X-Mail: "${row.mail}"}
operations:
  - document: "query A($a: Any, $b: Any, $c: Any, $d: Any, $e: Any) { a }"
    variables: {a: "${n}", b: "${both}", c: "${object}", d: "${row.name}", e: {template: "t-${n}"}}
`)
	for range 100 {
		request, _ := s.Next(nil, &here, 0)
		r, body := server(t, request)
		var in struct {
			Variables struct {
				A       json.Number
				B, D, E string
				C       struct {
					Deep []struct{ N json.Number }
					Text string
				}
			}
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatal(err)
		}
		v := in.Variables
		id := map[string]string{"Ada": "7", "Bob": "8"}[v.D]
		both := v.A.String() + "/" + id
		if r.Header.Get("X-N") != v.A.String() || v.B != both || r.Header.Get("X-Both") != both || v.C.Deep[0].N != v.A || v.C.Text != "<"+both+">" ||
			v.E != "t-"+v.A.String() || !strings.EqualFold(r.Header.Get("X-Mail"), v.D+"@example") {
			t.Fatalf("%s", request)
		}
	}
}

func TestOperationsAreChosenByWeight(t *testing.T) {
	w, err := compileText(`
operations:
  - {document: "query A { a }", weight: 6}
  - {document: "query B { a }", weight: 3}
  - {document: "query C { a }"}
  - {document: "mutation D { a }", weight: 10}
`)
	if err != nil {
		t.Fatal(err)
	}
	const n = 50_000
	s := w.Stream(1, 0)
	var names []string
	for range n {
		_, op := s.Next(nil, &here, 0)
		names = append(names, w.Labels()[op].Name)
	}
	expect(t, "weights", names, map[string]float64{"A": .3, "B": .15, "C": .05, "D": .5})
}

func TestUsersAreChosenAndNamed(t *testing.T) {
	const n = 20_000
	var tokens []string
	s := one(t, "users: {count: 3, draw: zipf, s: 1, header: X-User, token: \"u${user}\"}\noperations:\n  - document: \"query A($u: Int) { a }\"\n    variables: {u: \"${user}\"}\n")
	for range n {
		request, _ := s.Next(nil, &here, 0)
		r, body := server(t, request)
		tokens = append(tokens, r.Header.Get("X-User"))
		if !strings.HasSuffix(string(body), `{"u":`+r.Header.Get("X-User")[1:]+`}}`) {
			t.Fatalf("%s", request)
		}
	}
	total := 1 + 1/2. + 1/3.
	expect(t, "users", tokens, map[string]float64{"u1": 1 / total, "u2": 1 / 2. / total, "u3": 1 / 3. / total})
	for users, want := range map[string]string{
		`{count: 1}`:                     "Bearer 1",
		`{csv: ids.csv, draw: sequence}`: "Bearer 1",
		`{csv: people.csv, draw: sequence, token: "${user.mail}"}`: "ada@example",
	} {
		request, _ := one(t, "users: "+users+"\noperations: [{document: \"query A { a }\"}]").Next(nil, &here, 0)
		if r, _ := server(t, request); r.Header.Get("Authorization") != want {
			t.Errorf("%s: %s", users, request)
		}
	}
	// An operation may say otherwise.
	request, _ := one(t, "users: {count: 5}\noperations: [{document: \"query A { a }\", headers: {authorization: none}}]").Next(nil, &here, 0)
	if r, _ := server(t, request); len(r.Header["Authorization"]) != 1 || r.Header.Get("Authorization") != "none" {
		t.Errorf("%s", request)
	}
}
