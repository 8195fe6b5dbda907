package proxy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

const placesSchema = `
interface Place { name: String }
type City implements Place @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! name: String }
type Country implements Place @cacheControl(maxAge: 60) { name: String }
union Found = City | Book
type Book @cacheControl(maxAge: 60) { title: String }
directive @key(fields: String!) on OBJECT
directive @cacheControl(maxAge: Int) on OBJECT
type Query { city: City found: Found country: Country }
`

// TestCommandNamesWhatABodyNames: the command of the control plane and POST /cache/invalidate take the same.
func TestCommandNamesWhatABodyNames(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) {
		f.Schema = write(t, f.Schema, placesSchema)
		f.Policy.Scope.Header = &scope.Header{Name: "x-tenant", Class: "tenant", VouchedBy: &scope.Vouched{SecretHeader: "x-vouch", Secret: "0123456789abcdef"}}
	}))
	acme, _ := r.policies.tenantTag("acme, inc")
	if !strings.HasPrefix(acme, "@tenant:") {
		t.Fatal(acme)
	}
	for _, c := range []struct {
		params map[string]string
		body   string
		want   cache.Invalidation
	}{
		{
			map[string]string{
				"tags": "City:5", "types": "Country", "prefixes": "Query.", "patterns": "City:*, Book:7", "operations": "Me,Home", "soft": "true",
			},
			`{"tags":["City:5"],"types":["Country"],"prefixes":["Query."],"patterns":["City:*","Book:7"],"operations":["Me","Home"],"soft":true}`,
			cache.Invalidation{
				Tags: []string{"City:5", "Country", "Book:7", "@op:Me", "@op:Home"}, Prefixes: []string{"Query."}, Patterns: []string{"City:*"}, Soft: true,
			},
		},
		{map[string]string{"types": "Place, Found"}, `{"types":["Place","Found"]}`, cache.Invalidation{Tags: []string{"City", "Country", "Book", "City"}}},
		{map[string]string{"tenants": `acme\, inc`}, `{"tenants":["acme, inc"]}`, cache.Invalidation{Tags: []string{acme}}},
		{map[string]string{"tags": `Query.near(48\,2),x`}, `{"tags":["Query.near(48,2)","x"]}`, cache.Invalidation{Tags: []string{"Query.near(48,2)", "x"}}},
		{map[string]string{"all": "true", "confirm": "all"}, `{"all":true,"confirm":"all"}`, cache.Invalidation{All: true}},
	} {
		for name, read := range map[string]func() (cache.Invalidation, string){
			"command": func() (cache.Invalidation, string) { return r.policies.invalidationOf(c.params) },
			"body":    func() (cache.Invalidation, string) { return admin.Parse([]byte(c.body), r.policies.names()) },
		} {
			got, problem := read()
			if problem != "" || !sameNames(got, c.want) {
				t.Errorf("%s %s: %+v %s, want %+v", name, c.body, got, problem, c.want)
			}
		}
	}
}

func sameNames(a, b cache.Invalidation) bool {
	count := func(list []string) map[string]int {
		n := map[string]int{}
		for _, s := range list {
			n[s]++
		}
		return n
	}
	return reflect.DeepEqual(count(a.Tags), count(b.Tags)) && reflect.DeepEqual(count(a.Prefixes), count(b.Prefixes)) &&
		reflect.DeepEqual(count(a.Patterns), count(b.Patterns)) && a.Soft == b.Soft && a.All == b.All
}

// TestCommandForOtherServicesIsNoError: a type or a tenant that only others know names nothing here, and is not in the way of the rest.
func TestCommandForOtherServicesIsNoError(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, nil))
	got, problem := r.policies.invalidationOf(map[string]string{"types": "Stranger,Book", "tenants": "acme"})
	if want := (cache.Invalidation{Tags: []string{"Stranger", "Book"}}); problem != "" || !sameNames(got, want) {
		t.Errorf("%+v %s", got, problem)
	}
	if got, problem = r.policies.invalidationOf(map[string]string{"tenants": "acme"}); problem == "" {
		t.Errorf("a tenant that no rule tells: %+v", got)
	}
}
