package origin

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/origin/hub"
)

// firstNewID is the id of the first added city; GeoNames ids are far below.
const firstNewID = 1_000_000_000

// store holds the world. Cities may change; countries and continents do not. It hands out copies of cities, so that a response shows one moment.
type store struct {
	seed           uint64 // of padding
	countries      []*country
	continents     []*continent
	byCode         map[string]*country
	countryByID    map[int64]*country
	continentBy    map[string]*continent
	continentByID  map[int64]*continent
	capitalsByName map[string]*country // key: country code and capital name

	lag atomic.Int64 // ns: a city that is asked for by its id shows what it was so long ago

	mu     sync.RWMutex
	cities map[int64]*city
	past   map[int64][]formerly // of cities that changed while reads lagged, oldest first
	sorted []*city              // by population; nil after a change
	nextID int64

	populations hub.Hub // cities after setPopulation, by id
}

func newStore(seed uint64) (*store, error) {
	s := &store{
		seed:   seed,
		byCode: map[string]*country{}, countryByID: map[int64]*country{}, continentBy: map[string]*continent{},
		continentByID: map[int64]*continent{}, capitalsByName: map[string]*country{}, nextID: firstNewID, past: map[int64][]formerly{},
	}
	var err error
	if s.cities, err = readCities(); err != nil {
		return nil, err
	}
	if s.countries, err = readCountries(); err != nil {
		return nil, err
	}
	if s.continents, err = readContinents(); err != nil {
		return nil, err
	}
	for _, c := range s.countries {
		s.byCode[c.code], s.countryByID[c.id] = c, c
		s.capitalsByName[c.code+"/"+c.capital] = c
	}
	for _, c := range s.continents {
		s.continentBy[c.code], s.continentByID[c.id] = c, c
	}
	for _, c := range s.cities {
		if s.byCode[c.country] == nil {
			return nil, fmt.Errorf("cities.tsv: city %d is in unknown country %q", c.id, c.country)
		}
	}
	return s, nil
}

// formerly is what a city was until a moment.
type formerly struct {
	city
	until time.Time
}

// maxLag bounds how far reads may lag behind writes.
const maxLag = time.Minute

// city returns a copy, or nil. It is a read of a replica: it may lag.
func (s *store) city(id int64) *city {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.cities[id]
	if c == nil {
		return nil
	}
	copied := *c
	if lag := s.lag.Load(); lag > 0 {
		then := time.Now().Add(-time.Duration(lag))
		for _, f := range s.past[id] {
			if f.until.After(then) {
				copied = f.city
				break
			}
		}
	}
	return &copied
}

// remember keeps what a city is before it changes, for reads that lag. The lock is held.
func (s *store) remember(c *city) {
	if s.lag.Load() == 0 {
		return
	}
	now := time.Now()
	kept := s.past[c.id]
	for len(kept) > 0 && now.Sub(kept[0].until) > maxLag {
		kept = kept[1:]
	}
	s.past[c.id] = append(kept, formerly{*c, now})
}

// ranked returns all cities by population. The caller reads and does not write; a change makes a new list.
func (s *store) ranked() []*city {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted == nil {
		s.sorted = make([]*city, 0, len(s.cities))
		for _, c := range s.cities {
			copied := *c
			s.sorted = append(s.sorted, &copied)
		}
		slices.SortFunc(s.sorted, byPopulation)
	}
	return s.sorted
}

// change applies f to the city and returns a copy of the new state, or nil when there is no such city. then is called with the copy before anybody else may
// change the city, unless it is nil.
func (s *store) change(id int64, f func(c *city), then func(c *city)) *city {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cities[id]
	if c == nil {
		return nil
	}
	s.remember(c)
	f(c)
	c.revision++
	s.sorted = nil
	copied := *c
	if then != nil {
		then(&copied)
	}
	return &copied
}

func (s *store) add(c *city) *city {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.id = s.nextID
	s.nextID++
	s.cities[c.id] = c
	s.sorted = nil
	copied := *c
	return &copied
}

func (s *store) remove(id int64) *city {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cities[id]
	delete(s.cities, id)
	s.sorted = nil
	return c
}

// filter selects cities.
type filter struct {
	country, search string
	minPopulation   int64
	byName          bool
}

func (s *store) filter(f filter) []*city {
	var out []*city
	needle := strings.ToLower(f.search)
	for _, c := range s.ranked() {
		if f.country != "" && c.country != f.country || c.population < f.minPopulation {
			continue
		}
		if needle != "" && !strings.Contains(strings.ToLower(c.name), needle) {
			continue
		}
		out = append(out, c)
	}
	if f.byName {
		slices.SortStableFunc(out, func(a, b *city) int { return cmp.Compare(a.name, b.name) })
	}
	return out
}

// rank is the city's position by population in its country, from 1.
func (s *store) rank(of *city) int64 {
	n := int64(1)
	for _, c := range s.ranked() {
		if c.country == of.country && byPopulation(c, of) < 0 {
			n++
		}
	}
	return n
}

// nearby returns at most limit cities within radius kilometres, nearest first.
func (s *store) nearby(latitude, longitude, radius float64, limit int) []*city {
	type hit struct {
		c  *city
		km float64
	}
	var hits []hit
	for _, c := range s.ranked() {
		if km := distance(latitude, longitude, c.latitude, c.longitude); km <= radius {
			hits = append(hits, hit{c, km})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.km, b.km) })
	out := make([]*city, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, h.c)
	}
	return out
}

// distance is the great-circle distance in kilometres (haversine formula).
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const earthRadiusKm, radian = 6371.0, math.Pi / 180
	sinLat := math.Sin((lat2 - lat1) * radian / 2)
	sinLon := math.Sin((lon2 - lon1) * radian / 2)
	a := sinLat*sinLat + math.Cos(lat1*radian)*math.Cos(lat2*radian)*sinLon*sinLon
	return 2 * earthRadiusKm * math.Asin(math.Sqrt(min(1, a)))
}

// capital finds the country's capital among the cities by name; nil when the data does not hold it.
func (s *store) capital(of *country) *city {
	for _, c := range s.ranked() {
		if c.country == of.code && c.name == of.capital {
			return c
		}
	}
	return nil
}
