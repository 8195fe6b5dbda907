package proxy

import (
	"reflect"
	"testing"

	"github.com/weirproxy/weir/cache"
)

// What a command names is what the same keys of POST /cache/invalidate name.
func TestInvalidationOfCommand(t *testing.T) {
	got := invalidationOf(map[string]string{
		"tags": "City:5", "types": "Country", "prefixes": "Query.", "patterns": "City:*, Book:7", "operations": "Me,Home", "soft": "true",
	})
	want := cache.Invalidation{
		Tags: []string{"City:5", "Country", "Book:7", "@op:Me", "@op:Home"}, Prefixes: []string{"Query."}, Patterns: []string{"City:*"}, Soft: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
