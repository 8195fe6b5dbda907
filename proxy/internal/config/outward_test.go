package config

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/outward"
)

func TestOutwardHeadersOfADocument(t *testing.T) {
	const text = `upstream: http://a:1
policy:
  cache:
    trace: true
    outward:
      cdn_cache_control: true
      cache_tag: {enabled: true, max_bytes: 1KiB}
`
	_, v, err := compile(t, text)
	if err != nil {
		t.Fatal(err)
	}
	o := v.Policy.Cache.Outward
	if want := (outward.Tags{Enabled: true, MaxBytes: 1024, MaxTag: 1024, MaxTags: 1000}); !o.On() || !o.CDNCacheControl || o.CacheControl || o.CacheTag != want || o.CatchAll != "weir-more" {
		t.Errorf("%+v", o)
	}
	if !v.Policy.Cache.Trace || v.Policy.Cache.ExposeKey {
		t.Error("trace and expose_key are mixed up")
	}
	if _, v, err := compile(t, "upstream: http://a:1\n"); err != nil || v.Policy.Cache.Outward.On() {
		t.Errorf("headers go out unasked (%v)", err)
	}
}

func TestOutwardAndWarmUpRefuseWhatCannotBe(t *testing.T) {
	const outwardAt = "upstream: http://a:1\npolicy:\n  cache:\n    outward:\n      "
	for text, want := range map[string]string{
		outwardAt + "catch_all: \"a b\"\n":                      `:5:18: policy.cache.outward.catch_all: "a b" is no tag of 1 to 16`,
		outwardAt + "catch_all: \"\"\n":                         `policy.cache.outward.catch_all: "" is no tag`,
		outwardAt + "surrogate_key: {max_bytes: 1MiB}\n":        `:5:34: policy.cache.outward.surrogate_key.max_bytes: 1MiB is out of range; it must be 64 to 65536 bytes`,
		outwardAt + "cache_tag: {max_tag: 3}\n":                 `policy.cache.outward.cache_tag.max_tag: 3 is out of range; it must be 16 to 8192`,
		outwardAt + "cache_groups: {max_tags: 1}\n":             `policy.cache.outward.cache_groups.max_tags: 1 is out of range`,
		"upstream: http://a:1\ncache_warm_up: 5h\n":             `:2:16: cache_warm_up: 5h is out of range; it must be 0s to 1m0s`,
		"upstream: http://a:1\ncache_save: yes\n":               `cache_save: "yes" is not one of on, off`,
		"upstream: http://a:1\ncache_save: \"on\"\nstate: /x\n": `:2:13: cache_save: needs state, a folder to save in, and redis`,
	} {
		if _, _, err := compile(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
