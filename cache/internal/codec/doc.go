// Package codec writes slots as the shared tier keeps them, and reads them back: compressed when they are large, sealed when there is a key.
// A value carries its version, its own key and a checksum or seal: what is damaged, foreign, forged, sealed with an unknown key, or would
// become too large is no value, and the reason is counted. It seals the log's records too, so that tags do not stand in Redis either.
//
// Keys are rotated without a pause: every process first gets the new key behind the old one (all read both), then in front of it (it
// seals), and loses the old one when nothing lives any more that was sealed with it.
package codec
