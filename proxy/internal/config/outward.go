package config

import (
	"strings"

	"github.com/weirproxy/weir/proxy/internal/outward"
)

// Outward are the headers that tell browsers, CDNs and other caches how to keep an answer. With any of them, queries that cannot be kept,
// errors among them, get no-store, and the answer to a query that fills the cache is sent when it has been read to its end.
type Outward struct {
	CacheControl     bool        `yaml:"cache_control" json:"cache_control,omitempty" jsonschema:"description=Write Cache-Control anew: what is left of the time to live\\, public or private\\, stale-while-revalidate"`
	CDNCacheControl  bool        `yaml:"cdn_cache_control" json:"cdn_cache_control,omitempty" jsonschema:"description=The same for CDNs alone (RFC 9213)"`
	SurrogateControl bool        `yaml:"surrogate_control" json:"surrogate_control,omitempty" jsonschema:"description=The same for Fastly and others like it"`
	SurrogateKey     OutwardTags `yaml:"surrogate_key" json:"surrogate_key,omitempty" jsonschema:"description=Tags with blanks between them (Fastly: 16 KiB\\, 1 KiB a tag)"`
	CacheTag         OutwardTags `yaml:"cache_tag" json:"cache_tag,omitempty" jsonschema:"description=Tags with commas between them (Cloudflare\\, Netlify)"`
	CacheGroups      OutwardTags `yaml:"cache_groups" json:"cache_groups,omitempty" jsonschema:"description=Tags as groups of RFC 9875; caches need to know no more than 32 of 32 bytes"`
	CatchAll         string      `yaml:"catch_all" json:"catch_all,omitempty" jsonschema:"description=Tag of answers whose tags do not all fit: purge it with every purge"`
}

// OutwardTags bounds one header of tags.
type OutwardTags struct {
	Enabled  bool   `yaml:"enabled" json:"enabled,omitempty" jsonschema:"description=Write the header"`
	MaxBytes string `yaml:"max_bytes" json:"max_bytes,omitempty" jsonschema:"description=Size of the header's value"`
	MaxTag   int    `yaml:"max_tag" json:"max_tag,omitempty" jsonschema:"description=Bytes of one tag; a longer one is left out"`
	MaxTags  int    `yaml:"max_tags" json:"max_tags,omitempty" jsonschema:"description=Tags in the header"`
}

func defaultOutward() Outward {
	return Outward{
		SurrogateKey: OutwardTags{MaxBytes: "16KiB", MaxTag: 1024, MaxTags: 4096},
		CacheTag:     OutwardTags{MaxBytes: "16KiB", MaxTag: 1024, MaxTags: 1000},
		CacheGroups:  OutwardTags{MaxBytes: "4KiB", MaxTag: 32, MaxTags: 32},
		CatchAll:     "weir-more",
	}
}

func compileOutward(d *document, at string, o *Outward) outward.Policy {
	tags := func(path string, t *OutwardTags) outward.Tags {
		between(d, at+path+".max_tag", t.MaxTag, 16, 8192)
		between(d, at+path+".max_tags", t.MaxTags, 2, 100_000)
		return outward.Tags{Enabled: t.Enabled, MaxBytes: int(size(d, at+path+".max_bytes", t.MaxBytes, 64, 64<<10)), MaxTag: t.MaxTag, MaxTags: t.MaxTags}
	}
	usual := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r)
	}
	if n := len(o.CatchAll); n < 1 || n > 16 || strings.ContainsFunc(o.CatchAll, func(r rune) bool { return !usual(r) }) {
		d.addf(at+"catch_all", "%q is no tag of 1 to 16 letters, digits and - _ . :", o.CatchAll)
	}
	return outward.Policy{
		CacheControl: o.CacheControl, CDNCacheControl: o.CDNCacheControl, SurrogateControl: o.SurrogateControl,
		SurrogateKey: tags("surrogate_key", &o.SurrogateKey), CacheTag: tags("cache_tag", &o.CacheTag), CacheGroups: tags("cache_groups", &o.CacheGroups),
		CatchAll: o.CatchAll,
	}
}
