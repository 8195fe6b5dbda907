package origin

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/builtin"
)

// maxPage bounds every `first`.
const maxPage = 200

type inputError = builtin.InputError

// viewerKey carries the bearer token to the viewer resolver.
type viewerKey struct{}

// page is a slice of a filtered list of cities, the parent of CityConnection and PageInfo.
type page struct {
	all        []*city
	start, end int
}

type edge struct {
	c      *city
	cursor string
}

type stats struct{ cities []*city }

type viewer struct{ name string }

type location struct{ latitude, longitude float64 }

func typeOf(v any) string {
	switch v.(type) {
	case *city:
		return "City"
	case *country:
		return "Country"
	case *continent:
		return "Continent"
	}
	return ""
}

// get adapts a getter on a typed parent.
func get[T any](f func(T) any) gql.Resolver {
	return func(_ context.Context, c *gql.Call) (any, error) { return f(c.Parent.(T)), nil }
}

// orNull keeps a typed nil pointer from looking like a value.
func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}

func list[T any](items []T) []any {
	out := make([]any, len(items))
	for i := range items {
		out[i] = items[i]
	}
	return out
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func first(c *gql.Call) (int, error) {
	n, _ := c.Args["first"].(int64)
	if n < 0 || n > maxPage {
		return 0, inputError(fmt.Sprintf("first must be between 0 and %d, not %d", maxPage, n))
	}
	return int(n), nil
}

func id(c *gql.Call) int64 {
	s, _ := c.Args["id"].(string)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1 // no place has it
	}
	return n
}

func (s *store) resolvers() gql.Resolvers {
	return gql.Resolvers{
		"Query":          s.queryResolvers(),
		"Mutation":       s.mutationResolvers(),
		"City":           s.cityResolvers(),
		"Country":        s.countryResolvers(),
		"Continent":      s.continentResolvers(),
		"CityConnection": connectionResolvers(),
		"CityEdge": {
			"cursor": get(func(e edge) any { return e.cursor }),
			"node":   get(func(e edge) any { return e.c }),
		},
		"PageInfo": {
			"hasNextPage": get(func(p page) any { return p.end < len(p.all) }),
			"endCursor": get(func(p page) any {
				if p.end == p.start {
					return nil
				}
				return cursor(p.end)
			}),
		},
		"Location": {
			"latitude":  get(func(l location) any { return l.latitude }),
			"longitude": get(func(l location) any { return l.longitude }),
		},
		"Currency": {"code": get(func(code string) any { return code })},
		"Stats": {
			"cities":     get(func(st stats) any { return int64(len(st.cities)) }),
			"countries":  get(func(stats) any { return int64(len(s.countries)) }),
			"continents": get(func(stats) any { return int64(len(s.continents)) }),
			"largest": get(func(st stats) any {
				if len(st.cities) == 0 {
					return nil
				}
				return st.cities[0]
			}),
			"urbanPopulation": get(func(st stats) any {
				var sum int64
				for _, c := range st.cities {
					sum += c.population
				}
				return sum
			}),
		},
		"Viewer":       s.viewerResolvers(),
		"Subscription": {"tick": get(func(t any) any { return t }), "populationChanged": get(func(c *city) any { return c })},
		"Tick":         builtin.TickResolvers(),
	}
}

func (s *store) queryResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"city": func(_ context.Context, c *gql.Call) (any, error) { return orNull(s.city(id(c))), nil },
		"cities": func(_ context.Context, c *gql.Call) (any, error) {
			return s.citiesPage(c)
		},
		"nearby": func(_ context.Context, c *gql.Call) (any, error) {
			n, err := first(c)
			if err != nil {
				return nil, err
			}
			radius, _ := c.Args["radiusKm"].(float64)
			return list(s.nearby(c.Args["latitude"].(float64), c.Args["longitude"].(float64), radius, n)), nil
		},
		"country": func(_ context.Context, c *gql.Call) (any, error) {
			return orNull(s.byCode[c.Args["code"].(string)]), nil
		},
		"countries": func(_ context.Context, c *gql.Call) (any, error) {
			code, _ := c.Args["continent"].(string)
			return s.countriesOf(code), nil
		},
		"continents": func(context.Context, *gql.Call) (any, error) { return list(s.continents), nil },
		"place":      func(_ context.Context, c *gql.Call) (any, error) { return s.place(id(c)), nil },
		"search": func(_ context.Context, c *gql.Call) (any, error) {
			n, err := first(c)
			if err != nil {
				return nil, err
			}
			return s.search(c.Args["text"].(string), n), nil
		},
		"padding": builtin.Padding(s.seed),
		"stats":   func(context.Context, *gql.Call) (any, error) { return stats{s.ranked()}, nil },
		"viewer": func(ctx context.Context, _ *gql.Call) (any, error) {
			name, _ := ctx.Value(viewerKey{}).(string)
			if name == "" {
				return nil, nil
			}
			return viewer{name}, nil
		},
	}
}

func (s *store) citiesPage(c *gql.Call) (any, error) {
	n, err := first(c)
	if err != nil {
		return nil, err
	}
	f := filter{byName: c.Args["order"] == "NAME"}
	f.country, _ = c.Args["country"].(string)
	f.search, _ = c.Args["search"].(string)
	f.minPopulation, _ = c.Args["minPopulation"].(int64)
	p := page{all: s.filter(f)}
	if after, _ := c.Args["after"].(string); after != "" {
		if p.start, err = position(after); err != nil {
			return nil, err
		}
	}
	p.start = min(p.start, len(p.all))
	p.end = min(p.start+n, len(p.all))
	return p, nil
}

func (s *store) countriesOf(continentCode string) []any {
	out := []any{}
	for _, c := range s.countries {
		if continentCode == "" || c.continent == continentCode {
			out = append(out, c)
		}
	}
	return out
}

func (s *store) place(id int64) any {
	if c := s.city(id); c != nil {
		return c
	}
	if c := s.countryByID[id]; c != nil {
		return c
	}
	return orNull(s.continentByID[id])
}

// search finds continents, then countries, then cities by population.
func (s *store) search(text string, limit int) []any {
	prefix := strings.ToLower(text)
	out := []any{}
	match := func(name string, v any) {
		if len(out) < limit && strings.HasPrefix(strings.ToLower(name), prefix) {
			out = append(out, v)
		}
	}
	for _, c := range s.continents {
		match(c.name, c)
	}
	for _, c := range s.countries {
		match(c.name, c)
	}
	for _, c := range s.ranked() {
		match(c.name, c)
	}
	return out
}

func connectionResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"total": get(func(p page) any { return int64(len(p.all)) }),
		"nodes": get(func(p page) any { return list(p.all[p.start:p.end]) }),
		"edges": get(func(p page) any {
			out := make([]any, 0, p.end-p.start)
			for i, c := range p.all[p.start:p.end] {
				out = append(out, edge{c, cursor(p.start + i + 1)})
			}
			return out
		}),
		"pageInfo": get(func(p page) any { return p }),
	}
}

// A cursor is the number of cities before the next page, in base64 so that nobody computes with it.
func cursor(n int) string { return base64.RawURLEncoding.EncodeToString([]byte("c" + strconv.Itoa(n))) }

func position(cursor string) (int, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil && len(raw) > 1 && raw[0] == 'c' {
		if n, err := strconv.Atoi(string(raw[1:])); err == nil && n >= 0 {
			return n, nil
		}
	}
	return 0, inputError(fmt.Sprintf("after: %q is no cursor of this server", cursor))
}
