package proxy

import (
	"slices"
	"testing"

	"github.com/weirproxy/weir/cache"
)

func TestEntityIsInvalidatedOnAnswersWithoutItsKeyToo(t *testing.T) {
	inv := withCompanions(cache.Invalidation{Tags: []string{"City:5", "City:6", "Country", "City:5"}, Prefixes: []string{"Query."}, Soft: true})
	if want := []string{"City:5", "City:?", "City:6", "Country"}; !slices.Equal(inv.Tags, want) || !inv.Soft || len(inv.Prefixes) != 1 {
		t.Errorf("%+v, want tags %v", inv, want)
	}
}

func TestPartOfAKeyIsInvalidatedOnAnswersWithoutTheKeyToo(t *testing.T) {
	inv := withCompanions(cache.Invalidation{
		Prefixes: []string{"City:5", "Query.c", "list:C"}, Patterns: []string{"City:*-eu", "C*:7", "Town:*", "Query.*(*)"},
	})
	if want := []string{"City:?", "Town:?"}; !slices.Equal(inv.Tags, want) {
		t.Errorf("tags %v, want %v", inv.Tags, want)
	}
	if want := []string{"City:*-eu", "C*:7", "Town:*", "Query.*(*)", "C*:?"}; !slices.Equal(inv.Patterns, want) {
		t.Errorf("patterns %v, want %v", inv.Patterns, want)
	}
}
