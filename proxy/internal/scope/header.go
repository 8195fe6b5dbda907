package scope

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// header is the compiled rule for a trusted header.
type header struct {
	name     string // lower case
	class    Class
	source   string // part of identities
	networks []netip.Prefix
	unix     bool // connections of a unix socket count
	byPeer   bool
	secretIn string // lower case; empty: no secret
	secret   [32]byte
}

func compileHeader(c *Header) (*header, error) {
	h := &header{name: strings.ToLower(c.Name)}
	if h.name == "" {
		return nil, errors.New("name is missing; name the header that the proxy in front sets")
	}
	h.source = "header:" + h.name
	var ok bool
	if h.class, ok = ParseClass(c.Class); !ok || h.class == Public {
		return nil, fmt.Errorf("class is %q; it must be user, tenant or roles", c.Class)
	}
	v := c.VouchedBy
	if v == nil || len(v.Networks) == 0 && v.SecretHeader == "" {
		return nil, errors.New("vouched_by is missing: any client could set " + c.Name + " and read what is another's; " +
			"name the proxy that sets and verifies it by its networks, or by a secret_header and its secret")
	}
	for _, text := range v.Networks {
		if err := h.addNetwork(text); err != nil {
			return nil, fmt.Errorf("vouched_by.networks: %w", err)
		}
	}
	if (v.SecretHeader == "") != (v.Secret == "") {
		return nil, errors.New("vouched_by: secret_header and secret belong together; give both or none")
	}
	if v.Secret != "" && len(v.Secret) < 16 {
		return nil, fmt.Errorf("vouched_by.secret has %d characters; write at least 16 at random", len(v.Secret))
	}
	h.secretIn, h.secret = strings.ToLower(v.SecretHeader), sha256.Sum256([]byte(v.Secret))
	if h.secretIn == h.name {
		return nil, errors.New("vouched_by.secret_header is the header itself; name another")
	}
	return h, nil
}

func (h *header) addNetwork(text string) error {
	h.byPeer = true
	if text == "unix" {
		h.unix = true
		return nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("%q is no network; write for instance 10.1.0.0/16, 127.0.0.1 or unix", text)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Bits() == 0 {
		return fmt.Errorf("%s holds every client, so everybody would vouch for himself; name the addresses of the proxy", text)
	}
	h.networks = append(h.networks, p.Masked())
	return nil
}

// vouched reports whether the request comes from the proxy whose word counts. peer is the zero Addr for a unix socket.
func (h *header) vouched(headers Headers, peer netip.Addr) bool {
	if h.byPeer && !h.near(peer.Unmap()) {
		return false
	}
	if h.secretIn == "" {
		return true
	}
	given := sha256.Sum256(headers.Header(h.secretIn))
	return headers.Count(h.secretIn) == 1 && subtle.ConstantTimeCompare(given[:], h.secret[:]) == 1
}

func (h *header) near(peer netip.Addr) bool {
	if !peer.IsValid() {
		return h.unix
	}
	for _, n := range h.networks {
		if n.Contains(peer) {
			return true
		}
	}
	return false
}

// trusted is the scope of the header's value; false when the proxy says by an empty one that it knows nobody. It allocates nothing for a value
// that was seen before.
func (r *Rules) trusted(headers Headers, peer netip.Addr) (s Scope, ok bool) {
	h := r.header
	if headers.Count(h.name) > 1 {
		return bypass(Repeated), true
	}
	if !h.vouched(headers, peer) {
		return bypass(Unvouched), true
	}
	value := headers.Header(h.name)
	if len(value) == 0 {
		return Scope{}, false
	}
	j := r.memory.get(aHeader, value)
	if j == nil {
		p := &person{source: h.source}
		p.has[h.class] = true
		switch h.class {
		case Tenant:
			p.tenant = string(value)
		case Roles:
			p.roles = []string{string(value)}
		case User:
			p.user = string(value)
		}
		j = &judgement{scope: r.scope(h.class, p), until: math.MaxInt64}
		r.memory.put(aHeader, value, j)
	}
	return j.scope, true
}
