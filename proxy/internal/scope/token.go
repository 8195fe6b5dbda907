package scope

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxToken bounds a token; no header of a sane client is longer.
	maxToken = 16 << 10
	// refusedFor is how long a token that was refused is not looked at again.
	refusedFor = 10 * time.Second
)

// issuer is one compiled rule for tokens.
type issuer struct {
	name   string // their iss; empty: any
	source string // part of identities
	class  Class
	claims [User + 1][]string // paths, by class; nil: none
	leeway time.Duration
	parser *jwt.Parser
	checks []jwt.ParserOption
	keys   *keys
}

func compileIssuer(ctx context.Context, c *JWT, log *slog.Logger) (*issuer, error) {
	i := &issuer{name: c.Issuer, source: "jwt:" + c.Issuer, keys: &keys{}}
	var ok bool
	if i.class, ok = ParseClass(c.Class); !ok || i.class == Public {
		return nil, fmt.Errorf("class is %q; it must be user, tenant or roles", c.Class)
	}
	if err := i.compileClaims(c); err != nil {
		return nil, err
	}
	if err := checkAlgorithms(c); err != nil {
		return nil, err
	}
	var err error
	if c.Leeway != "" {
		if i.leeway, err = time.ParseDuration(c.Leeway); err != nil || i.leeway < 0 || i.leeway > 5*time.Minute {
			return nil, fmt.Errorf("leeway is %q; it must be 0s to 5m", c.Leeway)
		}
	}
	i.parser = jwt.NewParser(jwt.WithValidMethods(c.Algorithms), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding(), jwt.WithJSONNumber())
	i.checks = []jwt.ParserOption{jwt.WithExpirationRequired(), jwt.WithLeeway(i.leeway)}
	if c.Issuer != "" {
		i.checks = append(i.checks, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		i.checks = append(i.checks, jwt.WithAudience(c.Audience))
	}
	return i, i.compileKeys(ctx, c, log)
}

func (i *issuer) compileClaims(c *JWT) error {
	if c.Claim == "" {
		return errors.New("claim is missing; name the claim that tells the identity, for instance sub")
	}
	for _, p := range []struct {
		key, text string
		class     Class
	}{{"claim", c.Claim, i.class}, {"user_claim", c.UserClaim, User}, {"tenant_claim", c.TenantClaim, Tenant}, {"roles_claim", c.RolesClaim, Roles}} {
		if p.text == "" {
			continue
		}
		path, err := parsePath(p.text)
		if err != nil {
			return fmt.Errorf("%s: %w", p.key, err)
		}
		if i.claims[p.class] != nil && p.text != c.Claim {
			return fmt.Errorf("%s is %s, but claim names the %s already; remove one", p.key, p.text, p.class)
		}
		i.claims[p.class] = path
	}
	return nil
}

// checkAlgorithms keeps a public key from being taken for a shared secret: the kinds of algorithms are never mixed.
func checkAlgorithms(c *JWT) error {
	if len(c.Algorithms) == 0 {
		return errors.New("algorithms is missing; list what the issuer signs with, for instance [RS256]")
	}
	for _, a := range c.Algorithms {
		if jwt.GetSigningMethod(a) == nil || strings.EqualFold(a, "none") {
			return fmt.Errorf("algorithms has %q, which is no signing algorithm", a)
		}
		if strings.HasPrefix(a, "HS") != (c.Secret != "") {
			return fmt.Errorf("algorithms has %q, which does not fit the kind of key; HS algorithms need a secret and all others a public key", a)
		}
	}
	return nil
}

func (i *issuer) compileKeys(ctx context.Context, c *JWT, log *slog.Logger) error {
	given := 0
	for _, s := range []string{c.Secret, c.PublicKeyFile, c.JWKSFile, c.JWKSURL} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("%d keys are given; give exactly one of secret, public_key_file, jwks_file and jwks_url", given)
	}
	refresh := 5 * time.Minute
	if c.JWKSRefresh != "" {
		var err error
		if refresh, err = time.ParseDuration(c.JWKSRefresh); err != nil || refresh < time.Second || refresh > 24*time.Hour {
			return fmt.Errorf("jwks_refresh is %q; it must be 1s to 24h", c.JWKSRefresh)
		}
	}
	var fetch func(context.Context) ([]byte, error)
	switch {
	case c.Secret != "":
		i.keys.current.Store(fixed([]byte(c.Secret)))
		return nil
	case c.PublicKeyFile != "":
		set, err := parsePublicKey(c.PublicKeyFile)
		if err != nil {
			return fmt.Errorf("public_key_file: %w", err)
		}
		i.keys.current.Store(set)
		return nil
	case c.JWKSFile != "":
		fetch = fromFile(c.JWKSFile)
		if err := i.keys.renew(ctx, fetch); err != nil {
			return fmt.Errorf("jwks_file: %w", err)
		}
	default:
		var err error
		if fetch, err = fromURL(c.JWKSURL, c.JWKSCA); err != nil {
			return err
		}
	}
	i.keys.wanted = make(chan struct{}, 1)
	go i.keys.follow(ctx, fetch, refresh, log.With("issuer", c.Issuer, "from", c.JWKSURL+c.JWKSFile))
	return nil
}

// token is the scope of a bearer token. It allocates nothing for a token that was looked at before.
func (r *Rules) token(token []byte, now int64) Scope {
	if len(token) == 0 || len(token) > maxToken {
		return bypass(Malformed)
	}
	j := r.judged(token, now)
	if j == nil {
		return bypass(Busy)
	}
	if now >= j.until && j.scope.Class != Bypass {
		return bypass(Expired)
	}
	return j.scope
}

// judged looks at a token, unless that was done before; nil: there are too many.
func (r *Rules) judged(token []byte, now int64) *judgement {
	j := r.memory.get(aToken, token)
	if j == nil || !j.holds(now) {
		if !r.budget.take(now) {
			return nil
		}
		j = r.judge(string(token), now)
		r.memory.put(aToken, token, j)
	}
	return j
}

// judge looks at a token for the first time.
func (r *Rules) judge(token string, now int64) *judgement {
	r.verified.Add(1)
	j := &judgement{until: now + int64(refusedFor)}
	i, why := r.issuerOf(token)
	if i == nil {
		j.scope = bypass(why)
		return j
	}
	j.keys, j.generation = i.keys, i.keys.generation.Load() // before the key is looked up
	p, until, why := i.verify(token, now)
	if why != None {
		j.scope = bypass(why)
		return j
	}
	j.scope, j.until = r.scope(i.class, p), until
	if r.keeps.Load() {
		j.claims = &Claims{all: p.claims}
	}
	return j
}

// issuerOf finds the rule for a token. What it reads is not verified yet; the rule's own checks read it again.
func (r *Rules) issuerOf(token string) (*issuer, Reason) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, Malformed
	}
	if len(r.issuers) == 1 {
		return r.issuers[0], None
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, Malformed
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, Malformed
	}
	for _, i := range r.issuers {
		if i.name == claims.Issuer {
			return i, None
		}
	}
	return nil, Untrusted
}

// verify checks signature and claims (RFC 7519, section 4.1).
func (i *issuer) verify(token string, now int64) (p *person, until int64, why Reason) {
	claims := jwt.MapClaims{}
	if _, err := i.parser.ParseWithClaims(token, claims, i.keys.find); err != nil {
		switch {
		case errors.Is(err, errUnknownKey):
			return nil, 0, UnknownKey
		case errors.Is(err, jwt.ErrTokenMalformed):
			return nil, 0, Malformed
		}
		return nil, 0, Untrusted
	}
	at := jwt.WithTimeFunc(func() time.Time { return time.Unix(0, now) })
	if err := jwt.NewValidator(append([]jwt.ParserOption{at}, i.checks...)...).Validate(claims); err != nil {
		if errors.Is(err, jwt.ErrTokenExpired) {
			return nil, 0, Expired
		}
		return nil, 0, Untrusted
	}
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return nil, 0, Untrusted
	}
	until = math.MaxInt64
	if end := expires.Add(i.leeway); end.Before(time.Unix(0, math.MaxInt64)) { // later times have no unix ns
		until = end.UnixNano()
	}
	if p = i.person(claims); p == nil {
		return nil, 0, NoClaim
	}
	p.claims = claims
	return p, until, None
}

// person reads the claims of a verified token; nil when one that a rule needs is missing or of another kind.
func (i *issuer) person(claims jwt.MapClaims) *person {
	p := &person{source: i.source}
	var ok bool
	for c, path := range i.claims {
		if path == nil {
			continue
		}
		v := find(claims, path)
		switch Class(c) {
		case Tenant:
			p.tenant, ok = text(v)
		case Roles:
			p.roles, ok = roles(v)
			ok = ok && (len(p.roles) > 0 || i.class != Roles)
		case User:
			p.user, ok = text(v)
		}
		if !ok {
			return nil
		}
		p.has[c] = true
	}
	return p
}
