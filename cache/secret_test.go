package cache

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

func secretOf(id string, b byte) EncryptionKey { return EncryptionKey{id, bytes.Repeat([]byte{b}, 32)} }

// dump is all that a server holds.
func dump(server *redistest.Server) string {
	var b strings.Builder
	for _, name := range server.List("KEYS", "*") {
		b.WriteString(name + "\n")
		switch kind := server.Do("TYPE", name); kind {
		case "+string":
			b.WriteString(strings.Join(server.List("GET", name), "\n"))
		case "+stream":
			b.WriteString(strings.Join(server.List("XRANGE", name, "-", "+"), "\n"))
		}
	}
	return b.String()
}

func TestRedisHoldsNoWordWhenThereIsAKey(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		server := redistest.Start(t)
		with := func(c *Config) {
			if c.Compression = "s2"; sealed {
				c.Encryption = []EncryptionKey{secretOf("k1", 1)}
			}
		}
		a, b := join(t, server.Addr, with), join(t, server.Addr, with)
		connected(t, a, b)
		samePlace(t, a, b)
		fill(t, a, "k", "a body of somebody", "City:5", TenantTag+"acme")
		if body, tier := sees(b, "k"); body != "a body of somebody" || tier != TierL2 {
			t.Errorf("%q from %v", body, tier)
		}
		logged(t, b, Invalidation{Tags: []string{"City:5"}, Prefixes: []string{"Query.customer"}})
		caughtUp(t, a, b)
		for _, s := range []*Store{a, b} {
			if body, _ := sees(s, "k"); body != "" {
				t.Errorf("sealed %v: serves %q after an invalidation", sealed, body)
			}
			if st := s.Stats(); st.LogUnreadable != 0 || len(st.L2Unreadable) != 0 {
				t.Errorf("sealed %v: %d records and %v values cannot be read", sealed, st.LogUnreadable, st.L2Unreadable)
			}
		}
		all := dump(server)
		for _, word := range []string{"somebody", "City:5", "customer", "acme"} {
			if strings.Contains(all, word) == sealed {
				t.Errorf("sealed %v: Redis holds %q: %v", sealed, word, !sealed)
			}
		}
	}
}

// A value that is forged, foreign, damaged or sealed with an unknown key is a miss and a counter, and a record that cannot be opened counts
// for everything.
func TestValuesThatCannotBeReadAreMisses(t *testing.T) {
	server := redistest.Start(t)
	k1, k2 := secretOf("k1", 1), secretOf("k2", 2)
	with := func(keys ...EncryptionKey) func(*Config) { return func(c *Config) { c.Encryption = keys } }
	a := join(t, server.Addr, with(k1))
	connected(t, a)
	name := func(key string) string { return a.values.Name(keyOf(key)) }
	for _, key := range []string{"good", "tampered", "cut", "foreign", "moved"} {
		fill(t, a, key, "body", "City")
	}
	flip := server.List("GET", name("tampered"))[0]
	server.Must("SETRANGE", name("tampered"), fmt.Sprint(len(flip)-20), string([]byte{flip[len(flip)-20] ^ 1}))
	server.Must("SET", name("cut"), server.List("GET", name("cut"))[0][:40], "PX", "60000")
	server.Must("SET", name("foreign"), "something else", "PX", "60000")
	server.Must("COPY", name("good"), name("moved"), "REPLACE")

	rotated, blind, plainly, wrong := join(t, server.Addr, with(k2, k1)), join(t, server.Addr, with(k2)), join(t, server.Addr, nil), join(t, server.Addr, with(secretOf("k1", 9)))
	for _, c := range []struct {
		what  string
		store *Store
		key   string
		want  string
		why   string
	}{
		{"the second key opens", rotated, "good", "body", ""},
		{"tampered", rotated, "tampered", "", "forged"},
		{"cut", rotated, "cut", "", "damaged"},
		{"foreign", rotated, "foreign", "", "foreign"},
		{"of another key", rotated, "moved", "", "forged"},
		{"unknown id", blind, "good", "", "unknown_key"},
		{"no key at all", plainly, "good", "", "unknown_key"},
		{"same id, other secret", wrong, "good", "", "forged"},
	} {
		connected(t, c.store)
		before := c.store.Stats()
		if body, _ := sees(c.store, c.key); body != c.want {
			t.Errorf("%s: %q, want %q", c.what, body, c.want)
		}
		st := c.store.Stats()
		if c.why != "" && (st.L2Unreadable[c.why] != before.L2Unreadable[c.why]+1 || st.MissCorrupt != before.MissCorrupt+1) {
			t.Errorf("%s: counted %v, want one more %s", c.what, st.L2Unreadable, c.why)
		}
		if st.Breaker != "closed" {
			t.Errorf("%s: the breaker is %s", c.what, st.Breaker)
		}
	}
	fill(t, plainly, "plain", "anybody can write this", "City")
	if body, _ := sees(rotated, "plain"); body != "" || rotated.Stats().L2Unreadable["unsealed"] != 1 {
		t.Errorf("a plain value is taken: %q %v", body, rotated.Stats().L2Unreadable)
	}
	fill(t, plainly, "other", "body", "Other")
	logged(t, a, Invalidation{Tags: []string{"City"}})
	redistest.Until(t, "who cannot open the record gives everything up", redistest.Patience, func() bool {
		_, state := plainly.Get(keyOf("other"), nowNS())
		return state == Miss && plainly.Stats().LogUnreadable > 0
	})
}

func TestErasureOfATenant(t *testing.T) {
	for _, kind := range []string{"plain", "sealed", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			var servers []*redistest.Server
			with := func(c *Config) {
				if kind != "plain" {
					c.Encryption = []EncryptionKey{secretOf("k2", 2), secretOf("k1", 1)}
				}
				if kind == "cluster" {
					c.Redis = nil
					for _, s := range servers {
						c.Redis = append(c.Redis, s.Addr)
					}
				}
			}
			if kind == "cluster" {
				servers = redistest.StartCluster(t, 3).Nodes
			} else {
				servers = append(servers, redistest.Start(t))
			}
			a, b := join(t, servers[0].Addr, with), join(t, servers[0].Addr, with)
			connected(t, a, b)
			samePlace(t, a, b)
			for i := range 60 {
				fill(t, a, fmt.Sprint("acme ", i), "body", "City", TenantTag+"acme")
				fill(t, a, fmt.Sprint("other ", i), "body", "City", TenantTag+"other")
			}
			if body, _ := sees(b, "acme 7"); body != "body" {
				t.Fatalf("%q", body)
			}
			count := func() (n int) {
				for _, s := range servers {
					for _, name := range s.List("KEYS", "*") {
						if strings.HasPrefix(name, "weir:v2:") {
							n++
						}
					}
				}
				return n
			}
			if n := count(); n != 120 {
				t.Fatalf("%d values", n)
			}
			late := lead(t, b, "under way", nowNS())
			e, err := a.Erase(context.Background(), "acme", nowNS())
			if err != nil || !e.Shared || !e.Receipt.Logged || !e.Fleet.All() || e.Erased != 60 || e.Scanned != 120 {
				t.Errorf("%+v %v", e, err)
			}
			late.Complete(draft("body", TenantTag+"acme"), nowNS())
			redistest.Until(t, "nothing waits to be written", redistest.Patience, func() bool { return b.Stats().L2Queue == 0 })
			if n := count(); n != 60 {
				t.Errorf("%d values are left", n)
			}
			for _, s := range []*Store{a, b} {
				if body, _ := sees(s, "acme 7"); body != "" {
					t.Errorf("the tenant is served %q", body)
				}
				if body, _ := sees(s, "other 7"); body != "body" {
					t.Errorf("another tenant is served %q", body)
				}
			}
			servers[0].Kill()
			if kind == "plain" {
				if _, err := a.Erase(context.Background(), "other", nowNS()); err == nil {
					t.Error("without Redis nothing can be erased, and that is not said")
				}
			}
		})
	}
}
