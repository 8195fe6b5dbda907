package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Operation is one shape of request. Each body is made as {"operationName":…,"query":…,"variables":{…}}.
type Operation struct {
	Name     string
	Document string
	Weight   float64
	Mutation bool
	// Variables appends the JSON object of variables for one draw.
	Variables func(dst []byte, d *Draw) []byte
}

// Draw is the randomness of one worker; it is not shared.
type Draw struct {
	rand      *rand.Rand
	cities    *rand.Zipf
	countries *rand.Zipf
	mix       *Mix
}

// City is an id by popularity.
func (d *Draw) City() string { return d.mix.cities[d.cities.Uint64()] }

// Country is a country code by popularity.
func (d *Draw) Country() string { return d.mix.countries[d.countries.Uint64()] }

// Mix is a set of operations and of entities to draw from. It is immutable and may be shared.
type Mix struct {
	cities, countries []string
	reads, mutations  []Operation
	readWeight        float64
	mutationWeight    float64
	mutationShare     float64
	exponent          float64
}

// Skew of the popularity, s of a Zipf distribution: the most popular of 2,000 entities gets about an eighth of all draws.
const defaultExponent = 1.1

// NewMix checks the operations. cities and countries are in order of popularity.
func NewMix(cities, countries []string, operations []Operation) (*Mix, error) {
	if len(cities) == 0 || len(countries) == 0 {
		return nil, errors.New("load: a mix needs entities to draw from")
	}
	m := &Mix{cities: cities, countries: countries, exponent: defaultExponent}
	for _, op := range operations {
		if op.Weight <= 0 || op.Document == "" || op.Variables == nil {
			return nil, fmt.Errorf("load: operation %q needs a weight above 0, a document and variables", op.Name)
		}
		if op.Mutation {
			m.mutations, m.mutationWeight = append(m.mutations, op), m.mutationWeight+op.Weight
		} else {
			m.reads, m.readWeight = append(m.reads, op), m.readWeight+op.Weight
		}
	}
	if len(m.reads) == 0 {
		return nil, errors.New("load: a mix needs at least one read")
	}
	return m, nil
}

// Operations of the GeoNames origin. Every selected City has `id revision` side by side: that is what the staleness check reads.
func Operations() []Operation {
	id := func(dst []byte, d *Draw) []byte { return appendString(dst, "id", d.City()) }
	code := func(dst []byte, d *Draw) []byte { return appendString(dst, "code", d.Country()) }
	none := func(dst []byte, _ *Draw) []byte { return append(dst, "{}"...) }
	return []Operation{
		{Name: "City", Weight: 60, Variables: id, Document: `query City($id: ID!) { city(id: $id) { id revision name population timezone ` +
			`location { latitude longitude } country { code name continent { code name } } } }`},
		{Name: "CityName", Weight: 18, Variables: id, Document: `query CityName($id: ID!) { city(id: $id) { id revision name } }`},
		{Name: "Country", Weight: 10, Variables: code, Document: `query Country($code: String!) { country(code: $code) { code name capitalName ` +
			`areaKm2 population languages currency { code } } }`},
		{Name: "CitiesOf", Weight: 8, Variables: code, Document: `query CitiesOf($code: String!) { cities(country: $code, first: 10) { total ` +
			`nodes { id revision name population } pageInfo { hasNextPage endCursor } } }`},
		{Name: "Largest", Weight: 4, Variables: none, Document: `query Largest { stats { cities countries largest { id revision name population } } }`},
		{Name: "SetPopulation", Weight: 1, Mutation: true, Document: `mutation SetPopulation($id: ID!, $n: Int!) ` +
			`{ setPopulation(id: $id, population: $n) { id revision population } }`, Variables: func(dst []byte, d *Draw) []byte {
			dst = appendString(dst, "id", d.City())
			dst = append(dst[:len(dst)-1], `,"n":`...)
			return append(strconv.AppendInt(dst, 1+d.rand.Int64N(30_000_000), 10), '}')
		}},
	}
}

func appendString(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, `{"`...), name...), `":"`...)
	return append(append(dst, value...), `"}`...)
}

// Draw makes the randomness of one worker; the same seed and stream give the same sequence.
func (m *Mix) Draw(seed, stream uint64) *Draw {
	r := rand.New(rand.NewPCG(seed, stream))
	return &Draw{
		rand: r, mix: m,
		cities:    rand.NewZipf(r, m.exponent, 1, uint64(len(m.cities)-1)),
		countries: rand.NewZipf(r, m.exponent, 1, uint64(len(m.countries)-1)),
	}
}

// WithMutations is the same mix with a share of mutations, 0..1.
func (m *Mix) WithMutations(share float64) *Mix {
	c := *m
	c.mutationShare = share
	return &c
}

// next chooses an operation and its index among the labels.
func (d *Draw) next() (*Operation, int) {
	list, total, base := d.mix.reads, d.mix.readWeight, 0
	if len(d.mix.mutations) > 0 && d.mix.mutationShare > 0 && d.rand.Float64() < d.mix.mutationShare {
		list, total, base = d.mix.mutations, d.mix.mutationWeight, len(d.mix.reads)
	}
	at := d.rand.Float64() * total
	for i := range list {
		if at -= list[i].Weight; at < 0 {
			return &list[i], base + i
		}
	}
	return &list[len(list)-1], base + len(list) - 1
}

// AppendBody appends the JSON body of one request. document must not need JSON escapes beyond quotes, which it gets.
func (o *Operation) AppendBody(dst []byte, d *Draw) []byte {
	dst = append(dst, `{"operationName":"`...)
	dst = append(append(dst, o.Name...), `","query":`...)
	dst = strconv.AppendQuote(dst, o.Document)
	dst = append(dst, `,"variables":`...)
	return append(o.Variables(dst, d), '}')
}

// Body makes the body of one drawn read.
func (d *Draw) Body() []byte {
	op, _ := d.next()
	return op.AppendBody(nil, d)
}

// Labels of the reads, then the mutations.
func (m *Mix) Labels() []Label {
	var labels []Label
	for _, op := range m.reads {
		labels = append(labels, Label{op.Name, KindQuery})
	}
	for _, op := range m.mutations {
		labels = append(labels, Label{op.Name, KindMutation})
	}
	return labels
}
