package scope

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// person is what one request proves of who sent it.
type person struct {
	source string // issuer or header: two of them may give one name to two people
	tenant string
	roles  []string // sorted, each once
	user   string
	has    [User + 1]bool
	claims map[string]any // of the token
}

// scope makes the hashes of a person. The narrower classes hold what the wider ones do: user 42 of one tenant must not get what is kept for
// user 42 of another, nor what was kept while he had other roles.
func (r *Rules) scope(class Class, p *person) Scope {
	s := Scope{Class: class, Authenticated: true, Tenant: p.tenant, identity: &identity{}}
	id := s.identity
	for c := Tenant; c <= User; c++ {
		if id.known[c] = p.has[c]; p.has[c] {
			id.ids[c] = r.hash(c, p)
		}
	}
	if p.has[Tenant] {
		s.TenantID = r.TenantID(p.tenant)
	}
	return s
}

// hash hashes the parts of a person that tell groups of class c apart, each with its kind and its length.
func (r *Rules) hash(c Class, p *person) (id [32]byte) {
	b := append(make([]byte, 0, 128), byte(c))
	part := func(kind byte, text string) {
		b = append(b, kind)
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	part('s', p.source)
	if p.has[Tenant] {
		part('t', p.tenant)
	}
	if c >= Roles && p.has[Roles] {
		b = append(b, 'n')
		b = binary.AppendUvarint(b, uint64(len(p.roles)))
		for _, role := range p.roles {
			part('r', role)
		}
	}
	if c == User {
		part('u', p.user)
	}
	m := hmac.New(sha256.New, r.secret)
	_, _ = m.Write(b)
	m.Sum(id[:0])
	return id
}

// TenantID returns the keyed hash that stands for a tenant in tags, in hexadecimal digits.
func (r *Rules) TenantID(tenant string) string {
	var secret []byte
	if r != nil {
		secret = r.secret
	}
	m := hmac.New(sha256.New, secret)
	_, _ = m.Write([]byte("tenant\x00"))
	_, _ = m.Write([]byte(tenant))
	return hex.EncodeToString(m.Sum(nil)[:16])
}
