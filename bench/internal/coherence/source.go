package coherence

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/acked"
	"github.com/weirproxy/weir/bench/internal/load"
)

const (
	opCity = iota
	opName
	opViewer
	opChange
)

const (
	secret        = "coherence-secret-of-a-test-of-weir"
	mutationShare = 0.02
	viewerShare   = 0.15
	nameShare     = 0.2
	skew          = 1.1 // of the popularity
)

var documents = [...]string{
	opCity:   `query City($id: ID!) { city(id: $id) { id revision name population timezone country { code name } } }`,
	opName:   `query CityName($id: ID!) { city(id: $id) { id revision name } }`,
	opViewer: `query Viewer { viewer { name home { id revision name } favourites { id revision } } }`,
	opChange: `mutation SetPopulation($id: ID!, $n: Int!) { setPopulation(id: $id, population: $n) { id revision population } }`,
}

// scene is what was seen during one.
type scene struct {
	name                           string
	reads, changes, stale, excused atomic.Int64
	foreign, unlogged              atomic.Int64 // unlogged: of changes, whose answer said so
	hits, own                      atomic.Int64 // own: of answers that are one user's
}

// source makes the load and judges every answer: it is the oracle's eye.
type source struct {
	cities  []string
	users   []string // bearer tokens
	promise *Promise
	scene   atomic.Pointer[scene]

	mu       sync.Mutex
	examples []string
}

const maxExamples = 5

func newSource(cities []string, users int) *source {
	s := &source{cities: cities, promise: newPromise()}
	for i := range users {
		s.users = append(s.users, token(fmt.Sprint("user-", i)))
	}
	s.scene.Store(&scene{})
	return s
}

// token is a JWT of HS256.
func token(subject string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		encode(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, subject, time.Now().Add(24*time.Hour).Unix()))
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(text))
	return text + "." + encode(sum.Sum(nil))
}

// Labels implements load.Source.
func (s *source) Labels() []load.Label {
	return []load.Label{{Name: "City", Kind: load.KindQuery}, {Name: "CityName", Kind: load.KindQuery}, {Name: "Viewer", Kind: load.KindQuery}, {Name: "SetPopulation", Kind: load.KindMutation}}
}

// Stream implements load.Source.
func (s *source) Stream(seed uint64, n int) load.Stream {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	return &stream{s: s, r: r, zipf: rand.NewZipf(r, skew, 1, uint64(len(s.cities)-1))}
}

// asked is the request under way on a connection.
type asked struct {
	op, user int
	scene    *scene
}

type stream struct {
	s     *source
	r     *rand.Rand
	zipf  *rand.Zipf
	slots []asked
	body  []byte
}

// Next implements load.Stream.
func (t *stream) Next(dst []byte, to *load.Target, slot int) ([]byte, int) {
	for len(t.slots) <= slot {
		t.slots = append(t.slots, asked{})
	}
	a := &t.slots[slot]
	*a = asked{op: opCity, user: t.r.IntN(len(t.s.users)), scene: t.s.scene.Load()}
	switch x := t.r.Float64(); {
	case x < mutationShare:
		a.op = opChange
	case x < mutationShare+viewerShare:
		a.op = opViewer
	case x < mutationShare+viewerShare+nameShare:
		a.op = opName
	}
	city := t.s.cities[t.zipf.Uint64()]
	b := append(t.body[:0], `{"query":"`...)
	b = append(append(b, documents[a.op]...), `","variables":{`...)
	if a.op != opViewer {
		b = append(append(append(b, `"id":"`...), city...), '"')
	}
	if a.op == opChange {
		b = strconv.AppendInt(append(b, `,"n":`...), 1+t.r.Int64N(30_000_000), 10)
	}
	b = append(b, `}}`...)
	t.body = b
	dst = append(append(append(append(dst, "POST "...), to.Path...), " HTTP/1.1\r\nHost: "...), to.Host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nAccept: application/json\r\n"...)
	if a.op == opViewer || a.user%2 == 0 {
		dst = append(append(append(dst, "Authorization: Bearer "...), t.s.users[a.user]...), "\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(b)), 10)
	return append(append(dst, "\r\n\r\n"...), b...), a.op
}

// Again implements load.Stream: nothing is asked twice.
func (t *stream) Again(dst []byte, to *load.Target, slot int) []byte {
	b, _ := t.Next(dst, to, slot)
	return b
}

// Judge implements load.Stream.
func (t *stream) Judge(a *load.Reply, slot int) (failure string, again bool) {
	q := &t.slots[slot]
	if a.Status != 200 {
		return fmt.Sprint("status ", a.Status), false
	}
	if bytes.Contains(a.Body, []byte(`"errors":`)) || !bytes.HasPrefix(a.Body, []byte(`{"data":{`)) {
		return "GraphQL errors", false
	}
	s := t.s
	if q.op == opChange {
		q.scene.changes.Add(1)
		logged := !load.ParseCacheStatus(a.CacheStatus).Unlogged
		if !logged {
			q.scene.unlogged.Add(1)
		}
		acked.Versions(a.Body, func(id []byte, version int64) {
			s.promise.acks.Add(id, acked.Ack{Target: a.Target, Version: version, At: a.Done, Logged: logged})
		})
		return "", false
	}
	q.scene.reads.Add(1)
	if bytes.Contains(a.CacheStatus, []byte("; hit")) {
		q.scene.hits.Add(1)
		if q.op == opViewer {
			q.scene.own.Add(1)
		}
	}
	if q.op == opViewer && !bytes.Contains(a.Body, []byte(s.users[q.user])) {
		q.scene.foreign.Add(1)
		s.example("sidecar %d answered another user: %.200s", a.Target, a.Body)
	}
	stale, excused := false, false
	acked.Versions(a.Body, func(id []byte, version int64) {
		need, since, missed := s.promise.required(a.Target, id, a.Sent)
		if version < need {
			stale = true
			s.example("%s: city %s through sidecar %d shows revision %d, %s after %d was acknowledged (%s)", q.scene.name, id, a.Target, version,
				a.Sent.Sub(since).Round(time.Millisecond), need, a.CacheStatus)
		}
		excused = excused || version < missed
	})
	switch {
	case stale:
		q.scene.stale.Add(1)
	case excused:
		q.scene.excused.Add(1)
	}
	return "", false
}

func (s *source) example(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.examples) < maxExamples {
		s.examples = append(s.examples, fmt.Sprintf(format, a...))
	}
}
