package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Role is what a token may do.
type Role string

// Roles.
const (
	Admin   Role = "admin"   // everything
	Sidecar Role = "sidecar" // follow the stream
)

// MinTokenBytes is the least length of a token; shorter ones can be guessed.
const MinTokenBytes = 8

// Token is a secret with a name for the audit trail.
type Token struct {
	Name   string
	Role   Role
	Secret string
}

// Principal is who called.
type Principal struct {
	Name string
	Role Role
}

// Gate knows the tokens. Immutable.
type Gate struct{ entries []entry }

type entry struct {
	digest [sha256.Size]byte
	who    Principal
}

// New checks the tokens: at least one admin, names and secrets distinct.
func New(tokens []Token) (*Gate, error) {
	g := new(Gate)
	admin := false
	names, secrets := make(map[string]bool), make(map[[sha256.Size]byte]bool)
	for _, t := range tokens {
		digest := sha256.Sum256([]byte(t.Secret))
		switch {
		case t.Role != Admin && t.Role != Sidecar:
			return nil, fmt.Errorf("token %q: role %q is neither admin nor sidecar", t.Name, t.Role)
		case len(t.Secret) < MinTokenBytes:
			return nil, fmt.Errorf("token %q has %d bytes, the least is %d: make one with `openssl rand -hex 32`", t.Name, len(t.Secret), MinTokenBytes)
		case strings.ContainsAny(t.Secret, " \t\r\n"):
			return nil, fmt.Errorf("token %q contains white space", t.Name)
		case t.Name == "" || names[t.Name]:
			return nil, fmt.Errorf("token name %q is empty or used twice", t.Name)
		case secrets[digest]:
			return nil, fmt.Errorf("token %q is the same as another one", t.Name)
		}
		names[t.Name], secrets[digest] = true, true
		admin = admin || t.Role == Admin
		g.entries = append(g.entries, entry{digest: digest, who: Principal{Name: t.Name, Role: t.Role}})
	}
	if !admin {
		return nil, errors.New("no admin token is given")
	}
	return g, nil
}

// Check finds out who sent the headers. Every token is compared, whatever the outcome.
func (g *Gate) Check(h http.Header) (Principal, bool) {
	scheme, secret, _ := strings.Cut(h.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var who Principal
	found := 0
	for i := range g.entries {
		e := &g.entries[i]
		if subtle.ConstantTimeCompare(digest[:], e.digest[:]) == 1 {
			who, found = e.who, 1
		}
	}
	return who, found == 1 && strings.EqualFold(scheme, "Bearer")
}
