package workload

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

// GeoOptions say what the built-in workload asks for.
type GeoOptions struct {
	Skip       int      // of the most populous cities, so many are left out first
	Entities   int      // how many of the most populous cities are asked for; 2000 when 0
	Mutations  float64  // share of mutations, 0..1
	Operations []string // names of those wanted; nil: all
	BodyBytes  int      // pad the document so that each body has so many bytes; 0: as it is
}

// geoExponent is the skew of the popularity: the most popular of 2,000 entities gets about an eighth of all draws.
const geoExponent = 1.1

const defaultEntities = 2000

// Generators of the built-in workload.
const (
	geoCity = iota
	geoCountry
	geoPopulation
)

type geoOperation struct {
	name, kind, document string
	weight               float64
	variables            program
	longest              int // bytes of the variables at most
}

// geoOperations are the operations of the built-in workload. Every selected City has `id revision` side by side: that is what the staleness check reads.
func geoOperations() []geoOperation {
	value := func(before string, generator int32, f form) part {
		return part{text: []byte(before), generator: generator, form: f}
	}
	end := part{text: []byte(`}`), generator: -1}
	id := program{value(`{"id":`, geoCity, asJSON), end}
	code := program{value(`{"code":`, geoCountry, asJSON), end}
	none := program{{text: []byte(`{}`), generator: -1}}
	q, m := load.KindQuery, load.KindMutation
	return []geoOperation{
		{"City", q, `query City($id: ID!) { city(id: $id) { id revision name population timezone ` +
			`location { latitude longitude } country { code name continent { code name } } } }`, 60, id, 0},
		{"CityName", q, `query CityName($id: ID!) { city(id: $id) { id revision name } }`, 18, id, 0},
		{"Country", q, `query Country($code: String!) { country(code: $code) { code name capitalName ` +
			`areaKm2 population languages currency { code } } }`, 10, code, 0},
		{"CitiesOf", q, `query CitiesOf($code: String!) { cities(country: $code, first: 10) { total ` +
			`nodes { id revision name population } pageInfo { hasNextPage endCursor } } }`, 8, code, 0},
		{"Largest", q, `query Largest { stats { cities countries largest { id revision name population } } }`, 4, none, 0},
		{
			"SetPopulation", m, `mutation SetPopulation($id: ID!, $n: Int!) { setPopulation(id: $id, population: $n) { id revision population } }`, 1,
			program{value(`{"id":`, geoCity, asJSON), value(`,"n":`, geoPopulation, asJSON), end},
			0,
		},
	}
}

// GeoNames is the built-in workload for the GeoNames origin: the most populous cities and all countries, drawn by Zipf's law.
func GeoNames(o GeoOptions) (*Workload, error) {
	switch {
	case o.Entities < 0:
		return nil, fmt.Errorf("workload geonames: %d entities; ask for 1 or more", o.Entities)
	case o.Skip < 0:
		return nil, fmt.Errorf("workload geonames: %d entities left out; leave out 0 or more", o.Skip)
	case !(o.Mutations >= 0 && o.Mutations <= 1):
		return nil, fmt.Errorf("workload geonames: a share of mutations of %v; write 0 to 1, for example 0.02", o.Mutations)
	case o.Entities == 0:
		o.Entities = defaultEntities
	}
	cities, err := origin.TopCities(o.Skip + o.Entities)
	if err != nil {
		return nil, fmt.Errorf("workload geonames: %w", err)
	}
	if len(cities) <= o.Skip {
		return nil, fmt.Errorf("workload geonames: %d cities left out of %d; leave some", o.Skip, len(cities))
	}
	cities = cities[o.Skip:]
	countries, err := origin.CountryCodes()
	if err != nil {
		return nil, fmt.Errorf("workload geonames: %w", err)
	}
	w := &Workload{name: "geonames", share: o.Mutations, byShare: o.Mutations > 0, generators: []generator{
		geoTable("city", cities), geoTable("country", countries),
		{name: "population", kind: integers, pick: picker{n: 30_000_000}, start: 1, step: 1},
	}}
	if err := w.geo(o, len(longest(cities)), len(longest(countries))); err != nil {
		return nil, err
	}
	return w, nil
}

func geoTable(name string, values []string) generator {
	g := generator{name: name, kind: table, pick: byZipf(uint64(len(values)), geoExponent), columns: make([]column, 1)}
	for _, v := range values {
		g.columns[0].add([]byte(v), true)
	}
	return g
}

func longest(list []string) string {
	return slices.MaxFunc(list, func(a, b string) int { return len(a) - len(b) })
}

// geo adds the operations.
func (w *Workload) geo(options GeoOptions, city, country int) error {
	all := geoOperations()
	for _, name := range options.Operations {
		if !slices.ContainsFunc(all, func(o geoOperation) bool { return o.name == name }) {
			names := make([]string, len(all))
			for i := range all {
				names[i] = all[i].name
			}
			return fmt.Errorf("workload geonames: there is no operation %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	var weights, mutationWeights []float64
	for _, g := range all {
		mutation := g.kind == load.KindMutation
		if options.Operations != nil && !slices.Contains(options.Operations, g.name) || mutation && options.Mutations == 0 {
			continue
		}
		size := 0
		for _, p := range g.variables {
			size += len(p.text) + map[int32]int{-1: 0, geoCity: city + 2, geoCountry: country + 2, geoPopulation: len("30000000")}[p.generator]
		}
		o := operation{label: load.Label{Name: g.name, Kind: g.kind}, name: g.name, variables: g.variables, fixed: []byte(defaultHeaders), length: options.BodyBytes}
		if err := o.padded(g.document, size, options.BodyBytes); err != nil {
			return err
		}
		if mutation {
			w.mutationOps, mutationWeights = append(w.mutationOps, len(w.operations)), append(mutationWeights, g.weight)
		} else {
			w.readOps, weights = append(w.readOps, len(w.operations)), append(weights, g.weight)
		}
		w.operations, w.labels = append(w.operations, o), append(w.labels, o.label)
	}
	switch {
	case len(weights) == 0 && options.Mutations < 1:
		return fmt.Errorf("workload geonames: of %v with %v mutations no query is left; name City, or ask for mutations of 1", options.Operations, options.Mutations)
	case len(mutationWeights) == 0 && options.Mutations > 0:
		return fmt.Errorf("workload geonames: of %v with %v mutations no mutation is left; name SetPopulation too", options.Operations, options.Mutations)
	}
	if len(weights) > 0 {
		w.reads = byWeight(weights)
	}
	if len(mutationWeights) > 0 {
		w.mutations = byWeight(mutationWeights)
	}
	return nil
}

// defaultHeaders are sent where the workload does not replace them.
const defaultHeaders = "Content-Type: application/json\r\nAccept: application/json\r\n"

// padded describes the operation with a comment behind its document, as long as the longest body of it allows. Bodies with shorter values get blanks.
func (o *operation) padded(document string, variables, bytes int) error {
	o.describe(document, "", false)
	if bytes == 0 {
		return nil
	}
	least := len(o.full.head) + variables + len(o.full.tail)
	if bytes < least {
		return fmt.Errorf("workload geonames: bodies of %d bytes; %s needs %d or more", bytes, o.name, least)
	}
	if gap := bytes - least; gap > 1 {
		o.describe(document+" #"+strings.Repeat("-", gap-2), "", false)
	}
	return nil
}
