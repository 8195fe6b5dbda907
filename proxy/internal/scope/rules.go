package scope

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// Rules are compiled. They are safe for concurrent use. A nil *Rules knows no rule.
type Rules struct {
	cfg     Config
	secret  []byte // of the hashes
	header  *header
	issuers []*issuer
	memory  memory

	read     []string // headers that are read, or do not matter
	tenants  bool     // a rule tells them
	verified atomic.Uint64
	keeps    atomic.Bool // verified claims are kept
	budget   budget
}

// Compile checks cfg and returns its rules, nil for none. Key sets are kept up to date until ctx ends; log may be nil.
func Compile(ctx context.Context, cfg Config, log *slog.Logger) (*Rules, error) {
	if cfg.JWT == nil && len(cfg.Issuers) == 0 && cfg.Header == nil && !cfg.IgnoreCookies && !cfg.AuthorizedPublic && len(cfg.IgnoreHeaders) == 0 {
		return nil, nil
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Rules{memory: memory{seed: maphash.MakeSeed()}, cfg: cfg, secret: []byte("weir scope 2" + cfg.Key), read: cfg.IgnoreHeaders, tenants: cfg.Tells()[Tenant]}
	var err error
	if cfg.Header != nil {
		if r.header, err = compileHeader(cfg.Header); err != nil {
			return nil, fmt.Errorf("scope.header.%w", err)
		}
		r.read = append(append([]string(nil), cfg.IgnoreHeaders...), r.header.name, r.header.secretIn)
	}
	names := map[string]bool{}
	for n, c := range cfg.tokens() {
		at := "scope.jwt"
		if cfg.JWT == nil || n > 0 {
			at = fmt.Sprintf("scope.issuers[%d]", len(cfg.Issuers)-len(cfg.tokens())+n)
		}
		i, err := compileIssuer(ctx, &c, log)
		if err != nil {
			return nil, fmt.Errorf("%s.%w", at, err)
		}
		if names[c.Issuer] || c.Issuer == "" && len(cfg.tokens()) > 1 {
			return nil, fmt.Errorf("%s.issuer is %q; several rules need an issuer each, and each another one", at, c.Issuer)
		}
		names[c.Issuer] = true
		r.issuers = append(r.issuers, i)
	}
	if cfg.AuthorizedPublic && len(r.issuers) > 0 {
		return nil, errors.New("scope.authorized_public is for services without a token rule; remove it or jwt")
	}
	return r, nil
}

// Resolve tells the scope of a request from peer, the zero Addr for a unix socket. now is unix ns. It allocates nothing for credentials that
// were seen before.
func (r *Rules) Resolve(h Headers, peer netip.Addr, now int64) Scope {
	if h.Count("cookie") > 0 && (r == nil || !r.cfg.IgnoreCookies) {
		return bypass(Cookie)
	}
	authorization := h.Header("authorization")
	if r == nil {
		if len(authorization) > 0 || h.Count("authorization") > 0 {
			return bypass(Authorization)
		}
		return Scope{}
	}
	if r.header != nil && h.Count(r.header.name) > 0 {
		if s, ok := r.trusted(h, peer); ok {
			return s
		}
	}
	switch h.Count("authorization") {
	case 0:
		return Scope{}
	case 1:
	default:
		return bypass(Repeated)
	}
	if len(r.issuers) == 0 {
		if r.cfg.AuthorizedPublic {
			return Scope{Explicit: true}
		}
		return bypass(Authorization)
	}
	token, ok := bearer(authorization)
	if !ok {
		return bypass(Authorization)
	}
	return r.token(token, now)
}

// IgnoresCookies reports whether cookies are said not to matter.
func (r *Rules) IgnoresCookies() bool { return r != nil && r.cfg.IgnoreCookies }

// TellsTenants reports whether a rule tells tenants.
func (r *Rules) TellsTenants() bool { return r != nil && r.tenants }

// Reads reports whether a rule reads the header or says that it does not matter.
func (r *Rules) Reads(name []byte) bool {
	if r == nil {
		return false
	}
	for _, n := range r.read {
		if strings.EqualFold(string(name), n) {
			return true
		}
	}
	return false
}

// Vouched reports whether the header, whose name is in lower case, is one that only a proxy in front may set.
func (r *Rules) Vouched(name string) bool {
	return r != nil && r.header != nil && (name == r.header.name || name == r.header.secretIn)
}

// Tells reports whether the header is the trusted one and its value part of what groups of class c are told apart by.
func (r *Rules) Tells(name []byte, c Class) bool {
	return r != nil && r.header != nil && r.header.class == c && strings.EqualFold(string(name), r.header.name)
}

// Describe returns bytes that differ between rules that tell scopes apart differently; they are part of cache keys.
func (r *Rules) Describe() []byte {
	if r == nil {
		return nil
	}
	text := fmt.Appendf(nil, "2 cookies=%t public=%t headers=%q", r.cfg.IgnoreCookies, r.cfg.AuthorizedPublic, r.cfg.IgnoreHeaders)
	if h := r.header; h != nil {
		text = fmt.Appendf(text, " header=%q/%d", h.name, h.class)
	}
	for _, i := range r.issuers {
		text = fmt.Appendf(text, " jwt=%q/%d/%q", i.name, i.class, i.claims)
	}
	for _, c := range r.cfg.tokens() {
		text = fmt.Appendf(text, " aud=%q", c.Audience)
	}
	return text
}

// Stats are counts since Compile and what holds now.
type Stats struct {
	Remembered    int    // tokens and header values
	Verified      uint64 // tokens whose signature was checked, or was to be
	Keys          int    // of all key sets
	Fetches       uint64 // of key sets
	FetchFailures uint64
	KeysAge       time.Duration // since the key set that is oldest was had; 0: none is fetched, or none was had yet
	KeysMissing   int           // key sets that were not had
}

// Stats returns a snapshot at unix ns now.
func (r *Rules) Stats(now int64) (s Stats) {
	if r == nil {
		return s
	}
	s = Stats{
		Remembered: r.memory.size(), Verified: r.verified.Load(),
	}
	for _, i := range r.issuers {
		k := i.keys
		s.Fetches, s.FetchFailures = s.Fetches+k.fetches.Load(), s.FetchFailures+k.failures.Load()
		set := k.current.Load()
		if set == nil {
			s.KeysMissing++
			continue
		}
		s.Keys += len(set.all)
		if since := k.since.Load(); since != 0 {
			s.KeysAge = max(s.KeysAge, time.Duration(now-since))
		}
	}
	return s
}
