package scope

import (
	"bytes"
	"strings"
)

// Claims are those of a verified token. They are immutable.
type Claims struct{ all map[string]any }

// Claim is the compiled path of a claim; the zero value names none.
type Claim struct{ path []string }

// ParseClaim reads the path of a claim; an empty text names none.
func ParseClaim(text string) (c Claim, err error) {
	if text != "" {
		c.path, err = parsePath(text)
	}
	return c, err
}

// KeepClaims has the claims of tokens kept that are verified from now on, for Verified. It is called before the rules are put to use.
func (r *Rules) KeepClaims() {
	if r != nil {
		r.keeps.Store(true)
	}
}

// Verified returns the claims of the request's token, nil when it has none that is good at now, in unix ns: one bearer token, whose issuer,
// signature, audience and times are right. It does not matter what other credentials there are.
func (r *Rules) Verified(h Headers, now int64) *Claims {
	if r == nil || len(r.issuers) == 0 || h.Count("authorization") != 1 {
		return nil
	}
	token, ok := bearer(h.Header("authorization"))
	if !ok || len(token) == 0 || len(token) > maxToken {
		return nil
	}
	if j := r.judged(token, now); j != nil && j.scope.Class != Bypass && now < j.until {
		return j.claims
	}
	return nil
}

func bearer(authorization []byte) (token []byte, ok bool) {
	const scheme = "bearer "
	if len(authorization) <= len(scheme) || !bytes.EqualFold(authorization[:len(scheme)], []byte(scheme)) {
		return nil, false
	}
	return bytes.TrimSpace(authorization[len(scheme):]), true
}

// Has tells whether a claim holds a name: as an element of a list, or as a word of a string (RFC 8693, section 4.2).
func (c *Claims) Has(claim Claim, name string) bool {
	if c == nil || claim.path == nil || name == "" {
		return false
	}
	switch v := find(c.all, claim.path).(type) {
	case string:
		for word := range strings.SplitSeq(v, " ") {
			if word == name {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok && s == name {
				return true
			}
		}
	}
	return false
}
