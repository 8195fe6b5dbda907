package scope

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Claims are those of a verified token. They are immutable.
type Claims struct {
	all   map[string]any
	texts sync.Map // of lists and objects, by what names the claim
}

// Claim is the compiled path of a claim; the zero value names none.
type Claim struct {
	path []string
	text any // the path as it was written, a string; a key that needs no memory of its own
}

// ParseClaim reads the path of a claim; an empty text names none.
func ParseClaim(text string) (c Claim, err error) {
	if text != "" {
		c.path, err = parsePath(text)
		c.text = text
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
	claims, _ := r.VerifiedUntil(h, now)
	return claims
}

// VerifiedUntil is Verified and also tells when that ends, in unix ns; math.MaxInt64: never.
func (r *Rules) VerifiedUntil(h Headers, now int64) (claims *Claims, until int64) {
	if r == nil || len(r.issuers) == 0 || h.Count("authorization") != 1 {
		return nil, 0
	}
	token, ok := bearer(h.Header("authorization"))
	if !ok || len(token) == 0 || len(token) > maxToken {
		return nil, 0
	}
	if j := r.judged(token, now); j != nil && j.scope.Class != Bypass && now < j.until {
		return j.claims, j.until
	}
	return nil, 0
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

// maxText bounds the text of a claim in bytes.
const maxText = 4 << 10

// Append appends the text of a claim as a header can carry it: a string as it is, a number as the token has it, true or false, and a list or an
// object as JSON without spaces, whose keys are in order. False, and nothing is appended: there is no such claim, it is null or empty, its text is
// longer than 4 KiB, or has a control character such as a line's end, or a space at an end, which a receiver would take away. c may be nil.
func (c *Claims) Append(dst []byte, claim Claim) (_ []byte, ok bool) {
	if c == nil || claim.path == nil {
		return dst, false
	}
	var text string
	switch v := find(c.all, claim.path).(type) {
	case nil:
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		if text = "false"; v {
			text = "true"
		}
	default:
		text = c.composed(claim, v)
	}
	if !carried(text) {
		return dst, false
	}
	return append(dst, text...), true
}

// composed is the text of a list or an object, which is written once.
func (c *Claims) composed(claim Claim, v any) string {
	if known, ok := c.texts.Load(claim.text); ok {
		return known.(string)
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if w.Encode(v) != nil {
		b.Reset()
	}
	text := strings.TrimSuffix(b.String(), "\n")
	c.texts.Store(claim.text, text)
	return text
}

// carried tells whether a header can carry the text as it is.
func carried(text string) bool {
	if text == "" || len(text) > maxText || text[0] == ' ' || text[len(text)-1] == ' ' || !utf8.ValidString(text) {
		return false
	}
	return !strings.ContainsFunc(text, unicode.IsControl)
}
