package origin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAnswers walks through what a GraphQL client may send, in order: later rows see the mutations of earlier ones.
func TestAnswers(t *testing.T) {
	s, err := New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, body, accept, want, cacheControl string
		status                                 int
	}{
		{
			name: "alias, fragment, typename", body: `{"query":"query($id:ID!){a:city(id:$id){...F location{latitude}}} fragment F on City{__typename name population}","variables":{"id":1796236}}`,
			want: `{"data":{"a":{"__typename":"City","name":"Shanghai","population":24874500,"location":{"latitude":31.22222}}}}`, cacheControl: "max-age=60, public",
		},
		{name: "skip and include", body: `{"query":"{city(id:1796236){id @skip(if:true) name @include(if:true)}}"}`, want: `{"data":{"city":{"name":"Shanghai"}}}`},
		{name: "null", body: `{"query":"{city(id:1){id}}"}`, want: `{"data":{"city":null}}`},
		{name: "interface", body: `{"query":"{place(id:6255148){__typename name ... on Continent{code}}}"}`, want: `{"data":{"place":{"__typename":"Continent","name":"Europe","code":"EU"}}}`},
		{name: "union", body: `{"query":"{search(text:\"Singapore\",first:2){... on Country{code} ... on City{name}}}"}`, want: `{"data":{"search":[{"code":"SG"},{"name":"Singapore"}]}}`, cacheControl: "max-age=30, public"},
		{
			name: "error bubbles to a null root", body: `{"query":"{cities(first:201){total}}"}`,
			want: `{"errors":[{"message":"first must be between 0 and 200, not 201","locations":[{"line":1,"column":2}],"path":["cities"],"extensions":{"code":"BAD_USER_INPUT"}}],"data":null}`, cacheControl: "no-store",
		},
		{name: "missing variable", body: `{"query":"query($id:ID!){city(id:$id){id}}"}`, want: `"code":"BAD_USER_INPUT"`},
		{name: "invalid, legacy", body: `{"query":"{nope}"}`, want: `GRAPHQL_VALIDATION_FAILED`},
		{name: "invalid, negotiated", body: `{"query":"{nope}"}`, accept: mediaGraphQL, want: `GRAPHQL_VALIDATION_FAILED`, status: 400},
		{name: "not JSON", body: `{`, want: `BAD_REQUEST`, status: 400},
		{name: "unknown hash", body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`, want: `PERSISTED_QUERY_NOT_FOUND`},
		{name: "batch", body: `[{"query":"{stats{cities}}"},{"query":"{country(code:\"XX\"){id}}"}]`, want: `[{"data":{"stats":{"cities":8000}}},{"data":{"country":null}}]`, cacheControl: "max-age=10, public"},
		{name: "mutation", body: `{"query":"mutation{setPopulation(id:1796236,population:7){population revision}}"}`, want: `{"data":{"setPopulation":{"population":7,"revision":1}}}`, cacheControl: "no-store"},
		{name: "read after write", body: `{"query":"{city(id:1796236){population}}"}`, want: `{"data":{"city":{"population":7}}}`},
		{name: "private", body: `{"query":"{viewer{name}}"}`, want: `{"data":{"viewer":{"name":"ann"}}}`, cacheControl: "max-age=30, private"},
		{name: "introspection", body: `{"query":"{__type(name:\"City\"){kind interfaces{name} fields{name type{kind ofType{name}}}}}"}`, want: `{"data":{"__type":{"kind":"OBJECT","interfaces":[{"name":"Place"}]`, cacheControl: "no-store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(c.body))
			r.Header.Set("Content-Type", mediaJSON)
			r.Header.Set("Authorization", "Bearer ann")
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if status := max(c.status, 200); w.Code != status {
				t.Errorf("status %d, want %d", w.Code, status)
			}
			if !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("got  %s\nwant %s", w.Body, c.want)
			}
			if c.cacheControl != "" && w.Header().Get("Cache-Control") != c.cacheControl {
				t.Errorf("Cache-Control %q, want %q", w.Header().Get("Cache-Control"), c.cacheControl)
			}
		})
	}
}

func TestStopAndStartOnTheSameAddress(t *testing.T) {
	s, err := New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	get := func() error {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Get(s.URL() + "/graphql?query={stats{cities}}")
		if err == nil {
			err = res.Body.Close()
		}
		return err
	}
	for round := range 2 {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if err := get(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if get() == nil {
			t.Fatalf("round %d: a stopped origin answered", round)
		}
	}
}

// With a lag a city that is asked for by its id shows what it was; the answer of the mutation shows what it is.
func TestReadsLagBehindWrites(t *testing.T) {
	s, err := New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(body, want string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", mediaJSON)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %s, want %s", body, w.Body, want)
		}
	}
	change, read := `{"query":"mutation{setPopulation(id:1796236,population:7){revision}}"}`, `{"query":"{city(id:1796236){revision}}"}`
	ask(change, `"revision":1`)
	s.SetLag(time.Minute)
	ask(read, `"revision":1`)
	ask(change, `"revision":2`)
	ask(change, `"revision":3`)
	ask(read, `"revision":1`)
	s.SetLag(time.Nanosecond)
	ask(read, `"revision":3`)
	s.SetLag(0)
	ask(read, `"revision":3`)
}
