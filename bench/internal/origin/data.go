package origin

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed data/cities.tsv data/countries.tsv data/continents.tsv
var tables embed.FS

// city is one row; the store changes it under its lock and hands out copies.
type city struct {
	id                  int64
	name, country       string
	admin, timezone     string
	latitude, longitude float64
	population          int64
	revision            int64
}

type country struct {
	id                    int64
	code, name, continent string
	capital, currency     string
	area                  float64
	population            int64
	languages, neighbours []string
}

type continent struct {
	id                  int64
	code, name          string
	latitude, longitude float64
	population          int64
}

// row reads the cells of one line and keeps the first error.
type row struct {
	cells []string
	err   error
}

func (r *row) text(i int) string { return r.cells[i] }

func (r *row) integer(i int) int64 {
	n, err := strconv.ParseInt(r.cells[i], 10, 64)
	r.err = cmp.Or(r.err, err)
	return n
}

func (r *row) float(i int) float64 {
	f, err := strconv.ParseFloat(r.cells[i], 64)
	r.err = cmp.Or(r.err, err)
	return f
}

func (r *row) list(i int) []string {
	if r.cells[i] == "" {
		return nil
	}
	return strings.Split(r.cells[i], ",")
}

// readTable calls f for each line after the first.
func readTable(name string, columns int, f func(r *row)) error {
	raw, err := tables.ReadFile("data/" + name)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for n, line := range lines[1:] {
		r := row{cells: strings.Split(line, "\t")}
		if len(r.cells) != columns {
			return fmt.Errorf("%s:%d: %d cells, expected %d", name, n+2, len(r.cells), columns)
		}
		f(&r)
		if r.err != nil {
			return fmt.Errorf("%s:%d: %w", name, n+2, r.err)
		}
	}
	return nil
}

func readCities() (map[int64]*city, error) {
	out := map[int64]*city{}
	err := readTable("cities.tsv", 8, func(r *row) {
		c := &city{
			id: r.integer(0), name: r.text(1), country: r.text(2), admin: r.text(3), latitude: r.float(4), longitude: r.float(5),
			population: r.integer(6), timezone: r.text(7),
		}
		out[c.id] = c
	})
	return out, err
}

func readCountries() ([]*country, error) {
	var out []*country
	err := readTable("countries.tsv", 10, func(r *row) {
		out = append(out, &country{
			code: r.text(0), id: r.integer(1), name: r.text(2), continent: r.text(3), capital: r.text(4), area: r.float(5),
			population: r.integer(6), currency: r.text(7), languages: r.list(8), neighbours: r.list(9),
		})
	})
	return out, err
}

func readContinents() ([]*continent, error) {
	var out []*continent
	err := readTable("continents.tsv", 6, func(r *row) {
		out = append(out, &continent{
			code: r.text(0), id: r.integer(1), name: r.text(2), latitude: r.float(3), longitude: r.float(4), population: r.integer(5),
		})
	})
	return out, err
}

// TopCities returns the ids of the n most populous cities, most populous first: the popularity ranking a load generator draws from.
func TopCities(n int) ([]string, error) {
	all, err := readCities()
	if err != nil {
		return nil, err
	}
	list := make([]*city, 0, len(all))
	for _, c := range all {
		list = append(list, c)
	}
	slices.SortFunc(list, byPopulation)
	out := make([]string, min(n, len(list)))
	for i := range out {
		out[i] = strconv.FormatInt(list[i].id, 10)
	}
	return out, nil
}

// CountryCodes returns the ISO codes of all countries, in alphabetical order.
func CountryCodes() ([]string, error) {
	all, err := readCountries()
	if err != nil {
		return nil, err
	}
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.code
	}
	return out, nil
}

func byPopulation(a, b *city) int {
	return cmp.Or(cmp.Compare(b.population, a.population), cmp.Compare(a.id, b.id))
}
