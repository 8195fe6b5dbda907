package scope

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// maxTokens bounds the verified tokens that are remembered.
const maxTokens = 10_000

// Rules are compiled. They are safe for concurrent use. A nil *Rules knows no rule.
type Rules struct {
	cfg    Config
	header string // lower case; empty: none
	class  Class  // of the header rule
	parser *jwt.Parser
	keys   jwt.Keyfunc
	claim  Class // of the JWT rule

	mu     sync.RWMutex
	tokens map[[32]byte]verified // by SHA-256 of the token
}

type verified struct {
	scope   Scope
	expires int64 // unix ns
}

// Compile checks cfg and returns its rules, nil for none. A key set that is fetched is refreshed until ctx ends.
func Compile(ctx context.Context, cfg Config) (*Rules, error) {
	if cfg.JWT == nil && cfg.Header == nil && !cfg.IgnoreCookies {
		return nil, nil
	}
	r := &Rules{cfg: cfg, tokens: map[[32]byte]verified{}}
	var err error
	if h := cfg.Header; h != nil {
		if h.Name == "" {
			return nil, errors.New("scope.header.name is missing; name the header that the proxy in front sets")
		}
		r.header = strings.ToLower(h.Name)
		if r.class, err = classOf("scope.header.class", h.Class); err != nil {
			return nil, err
		}
	}
	if cfg.JWT != nil {
		if err := r.compileJWT(ctx, cfg.JWT); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func classOf(key, name string) (Class, error) {
	for _, c := range []Class{Roles, Tenant, User} {
		if c.String() == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%s is %q; it must be user, tenant or roles", key, name)
}

func (r *Rules) compileJWT(ctx context.Context, c *JWT) (err error) {
	if r.claim, err = classOf("scope.jwt.class", c.Class); err != nil {
		return err
	}
	if c.Claim == "" {
		return errors.New("scope.jwt.claim is missing; name the claim that tells the identity, for instance sub")
	}
	if len(c.Algorithms) == 0 {
		return errors.New("scope.jwt.algorithms is missing; list what the issuer signs with, for instance [RS256]")
	}
	for _, a := range c.Algorithms {
		if jwt.GetSigningMethod(a) == nil || strings.EqualFold(a, "none") {
			return fmt.Errorf("scope.jwt.algorithms has %q, which is no signing algorithm", a)
		}
		if strings.HasPrefix(a, "HS") != (c.Secret != "") {
			return fmt.Errorf("scope.jwt.algorithms has %q, which does not fit the kind of key; HS algorithms need a secret and all others a public key", a)
		}
	}
	if r.keys, err = keys(ctx, c); err != nil {
		return err
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(c.Algorithms), jwt.WithExpirationRequired(), jwt.WithoutClaimsValidation()}
	r.parser = jwt.NewParser(options...)
	return nil
}

func keys(ctx context.Context, c *JWT) (jwt.Keyfunc, error) {
	given := 0
	for _, s := range []string{c.Secret, c.PublicKeyFile, c.JWKSFile, c.JWKSURL} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, fmt.Errorf("scope.jwt has %d keys; give exactly one of secret, public_key_file, jwks_file and jwks_url", given)
	}
	switch {
	case c.Secret != "":
		secret := []byte(c.Secret)
		return func(*jwt.Token) (any, error) { return secret, nil }, nil
	case c.PublicKeyFile != "":
		return publicKey(c.PublicKeyFile)
	case c.JWKSFile != "":
		text, err := os.ReadFile(c.JWKSFile)
		if err != nil {
			return nil, fmt.Errorf("scope.jwt.jwks_file: %w", err)
		}
		k, err := keyfunc.NewJWKSetJSON(text)
		if err != nil {
			return nil, fmt.Errorf("scope.jwt.jwks_file: %w", err)
		}
		return k.Keyfunc, nil
	}
	// A provider that does not answer must not hold the start up: until it does, its tokens bypass the cache.
	k, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{c.JWKSURL}, keyfunc.Override{HTTPTimeout: jwksTime})
	if err != nil {
		return nil, fmt.Errorf("scope.jwt.jwks_url: %w", err)
	}
	return k.Keyfunc, nil
}

// jwksTime bounds one fetch of a key set.
const jwksTime = 3 * time.Second

func publicKey(file string) (jwt.Keyfunc, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("scope.jwt.public_key_file: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("scope.jwt.public_key_file: %s is no PEM file", file)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("scope.jwt.public_key_file: %w", err)
	}
	return func(*jwt.Token) (any, error) { return key, nil }, nil
}

// Resolve tells the scope of a request. now is unix ns. It allocates nothing for a token that was verified before.
func (r *Rules) Resolve(h Headers, now int64) Scope {
	cookies := h.Count("cookie") > 0 && (r == nil || !r.cfg.IgnoreCookies)
	authorization := h.Header("authorization")
	if cookies {
		return bypass("cookie")
	}
	if r == nil {
		if len(authorization) > 0 {
			return bypass("authorization")
		}
		return Scope{}
	}
	if r.header != "" {
		if v := h.Header(r.header); len(v) > 0 {
			if h.Count(r.header) > 1 {
				return bypass("header twice")
			}
			return r.trusted(v)
		}
	}
	if len(authorization) == 0 {
		return Scope{}
	}
	if r.parser == nil || h.Count("authorization") > 1 {
		return bypass("authorization")
	}
	const bearer = "bearer "
	if len(authorization) <= len(bearer) || !bytes.EqualFold(authorization[:len(bearer)], []byte(bearer)) {
		return bypass("authorization")
	}
	return r.token(bytes.TrimSpace(authorization[len(bearer):]), now)
}

// trusted is the scope of a header's value.
func (r *Rules) trusted(value []byte) Scope {
	digest := sha256.Sum256(value)
	digest[0] ^= 0xff // apart from tokens
	v, ok := r.remembered(digest)
	if !ok {
		v = verified{Scope{Class: r.class, Authenticated: true, ID: r.id(r.class, value)}, math.MaxInt64}
		r.remember(digest, v)
	}
	return v.scope
}

func (r *Rules) remembered(digest [32]byte) (verified, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, ok := r.tokens[digest]
	return v, ok
}

func (r *Rules) remember(digest [32]byte, v verified) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for old := range r.tokens { // any one: tokens are short-lived
		if len(r.tokens) < maxTokens {
			break
		}
		delete(r.tokens, old)
	}
	r.tokens[digest] = v
}

func (r *Rules) token(token []byte, now int64) Scope {
	digest := sha256.Sum256(token)
	if v, ok := r.remembered(digest); ok {
		if now >= v.expires {
			return bypass("token expired")
		}
		return v.scope
	}
	v, reason := r.verify(string(token), now)
	if reason != "" {
		return bypass(reason)
	}
	r.remember(digest, v)
	return v.scope
}

// verify checks signature and claims (RFC 7519, section 4.1).
func (r *Rules) verify(token string, now int64) (v verified, reason string) {
	claims := jwt.MapClaims{}
	if _, err := r.parser.ParseWithClaims(token, claims, r.keys); err != nil {
		return v, "token not valid"
	}
	options := []jwt.ParserOption{
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return time.Unix(0, now) }),
	}
	if r.cfg.JWT.Issuer != "" {
		options = append(options, jwt.WithIssuer(r.cfg.JWT.Issuer))
	}
	if r.cfg.JWT.Audience != "" {
		options = append(options, jwt.WithAudience(r.cfg.JWT.Audience))
	}
	if err := jwt.NewValidator(options...).Validate(claims); err != nil {
		return v, "claims not valid"
	}
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return v, "claims not valid"
	}
	id, ok := identity(claims[r.cfg.JWT.Claim])
	if !ok {
		return v, "claim missing"
	}
	v.expires = math.MaxInt64
	if expires.Before(time.Unix(0, math.MaxInt64)) { // later times have no unix ns
		v.expires = expires.UnixNano()
	}
	v.scope = Scope{Class: r.claim, Authenticated: true}
	if name := r.cfg.JWT.TenantClaim; name != "" {
		// Identities are often unique within a tenant only: user 42 of one tenant must not get what is kept for user 42 of another.
		if v.scope.Tenant, ok = claims[name].(string); !ok || v.scope.Tenant == "" {
			return v, "tenant claim missing"
		}
		id = append(fmt.Appendf(nil, "%d:%s", len(v.scope.Tenant), v.scope.Tenant), id...)
	}
	v.scope.ID = r.id(r.claim, id)
	return v, ""
}

// identity makes bytes of a claim: a string, or for roles a list of strings whose order does not matter.
func identity(claim any) ([]byte, bool) {
	switch c := claim.(type) {
	case string:
		return []byte(c), c != ""
	case []any:
		list := make([]string, 0, len(c))
		for _, e := range c {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			list = append(list, fmt.Sprintf("%d:%s", len(s), s))
		}
		slices.Sort(list)
		return []byte(strings.Join(slices.Compact(list), ",")), len(list) > 0
	}
	return nil, false
}

// id hashes an identity together with its class.
func (r *Rules) id(class Class, identity []byte) (id [32]byte) {
	m := hmac.New(sha256.New, []byte("weir scope 1"+r.cfg.Key))
	_, _ = m.Write([]byte{byte(class)})
	_, _ = m.Write(identity)
	m.Sum(id[:0])
	return id
}

// Describe returns bytes that differ between rules that tell scopes apart differently; they are part of cache keys.
func (r *Rules) Describe() []byte {
	if r == nil {
		return nil
	}
	text := fmt.Appendf(nil, "header=%s/%d cookies=%t", r.header, r.class, r.cfg.IgnoreCookies)
	if j := r.cfg.JWT; j != nil {
		text = fmt.Appendf(text, " jwt=%q/%q/%q/%q/%q", j.Issuer, j.Audience, j.Class, j.Claim, j.TenantClaim)
	}
	return text
}
