// Package outward writes the header lines that tell browsers, CDNs and other caches how to keep an answer and by which tags to purge it:
// Cache-Control, CDN-Cache-Control (RFC 9213), Surrogate-Control, Surrogate-Key, Cache-Tag and Cache-Groups (RFC 9875).
//
// Lines are rendered once, when an entry is stored, and a hit repeats them: lifetimes count from the origin's answer, and Age says how much
// of them is over. What must not be kept gets Refuse in place of that. Private answers never carry tags.
//
// A tag header has a limit. When not all tags fit, those stay that an invalidation is most likely to name, in this order: list:Type and
// Type:? (what a mutation names beside the entity, and few); tags that a schema's author or the origin chose; Type:id in the order of the
// answer; Query.field(…); Query.field; Type. A tag that tells of the rest, the catch-all, takes the place of those left out: who purges at
// the CDN purges it too, with every purge, and so reaches answers whose tags were cut.
package outward
