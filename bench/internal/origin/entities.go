package origin

import (
	"context"
	"math"

	"github.com/weirproxy/weir/bench/internal/gql"
)

func (s *store) cityResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"id":         get(func(c *city) any { return c.id }),
		"name":       get(func(c *city) any { return c.name }),
		"location":   get(func(c *city) any { return location{c.latitude, c.longitude} }),
		"admin":      get(func(c *city) any { return textOrNull(c.admin) }),
		"population": get(func(c *city) any { return c.population }),
		"timezone":   get(func(c *city) any { return c.timezone }),
		"country":    get(func(c *city) any { return orNull(s.byCode[c.country]) }),
		"capitalOf":  get(func(c *city) any { return orNull(s.capitalsByName[c.country+"/"+c.name]) }),
		"rank":       get(func(c *city) any { return s.rank(c) }),
		"revision":   get(func(c *city) any { return c.revision }),
	}
}

func (s *store) countryResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"id":   get(func(c *country) any { return c.id }),
		"code": get(func(c *country) any { return c.code }),
		"name": get(func(c *country) any { return c.name }),
		"location": get(func(c *country) any {
			if capital := s.capital(c); capital != nil {
				return location{capital.latitude, capital.longitude}
			}
			return nil
		}),
		"continent":   get(func(c *country) any { return orNull(s.continentBy[c.continent]) }),
		"capital":     get(func(c *country) any { return orNull(s.capital(c)) }),
		"capitalName": get(func(c *country) any { return textOrNull(c.capital) }),
		"areaKm2":     get(func(c *country) any { return c.area }),
		"population":  get(func(c *country) any { return c.population }),
		"currency":    get(func(c *country) any { return textOrNull(c.currency) }),
		"languages":   get(func(c *country) any { return list(c.languages) }),
		"neighbours": get(func(c *country) any {
			out := make([]any, len(c.neighbours))
			for i, code := range c.neighbours {
				out[i] = orNull(s.byCode[code])
			}
			return out
		}),
		"cities": func(_ context.Context, c *gql.Call) (any, error) {
			n, err := first(c)
			if err != nil {
				return nil, err
			}
			all := s.filter(filter{country: c.Parent.(*country).code})
			return list(all[:min(n, len(all))]), nil
		},
	}
}

func (s *store) continentResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"id":         get(func(c *continent) any { return c.id }),
		"code":       get(func(c *continent) any { return c.code }),
		"name":       get(func(c *continent) any { return c.name }),
		"location":   get(func(c *continent) any { return location{c.latitude, c.longitude} }),
		"population": get(func(c *continent) any { return c.population }),
		"countries":  get(func(c *continent) any { return s.countriesOf(c.code) }),
	}
}

// viewerResolvers derive a person's home and favourites from the name, so that two people see different answers.
func (s *store) viewerResolvers() map[string]gql.Resolver {
	favourites := func(v viewer) []*city {
		var n int
		for _, r := range v.name {
			n = (n*31 + int(r)) & math.MaxInt32
		}
		all := s.ranked()
		if len(all) == 0 {
			return nil
		}
		var out []*city
		for i := range min(3, len(all)) {
			out = append(out, all[(n+i*97)%len(all)])
		}
		return out
	}
	return map[string]gql.Resolver{
		"id":   get(func(v viewer) any { return "viewer-" + v.name }),
		"name": get(func(v viewer) any { return v.name }),
		"home": get(func(v viewer) any {
			if own := favourites(v); len(own) > 0 {
				return own[0]
			}
			return nil
		}),
		"favourites": get(func(v viewer) any { return list(favourites(v)) }),
	}
}

func (s *store) mutationResolvers() map[string]gql.Resolver {
	return map[string]gql.Resolver{
		"setPopulation": func(_ context.Context, c *gql.Call) (any, error) {
			n := c.Args["population"].(int64)
			if n < 0 {
				return nil, inputError("population must not be negative")
			}
			return orNull(s.change(id(c), func(c *city) { c.population = n }, s.publishPopulation)), nil
		},
		"renameCity": func(_ context.Context, c *gql.Call) (any, error) {
			name := c.Args["name"].(string)
			if name == "" {
				return nil, inputError("name must not be empty")
			}
			return orNull(s.change(id(c), func(c *city) { c.name = name }, nil)), nil
		},
		"addCity": func(_ context.Context, c *gql.Call) (any, error) {
			in := c.Args["city"].(map[string]any)
			n := &city{
				name: in["name"].(string), country: in["country"].(string), latitude: in["latitude"].(float64),
				longitude: in["longitude"].(float64), population: in["population"].(int64), timezone: in["timezone"].(string),
			}
			if s.byCode[n.country] == nil {
				return nil, inputError("country " + n.country + " is unknown")
			}
			return s.add(n), nil
		},
		"removeCity": func(_ context.Context, c *gql.Call) (any, error) { return orNull(s.remove(id(c))), nil },
	}
}
