package scope

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type headers map[string]string

func (h headers) Header(n string) []byte {
	if v, ok := h[n]; ok {
		return []byte(v)
	}
	return nil
}

func (h headers) Count(n string) int {
	if _, ok := h[n]; ok {
		return 1
	}
	return 0
}

var (
	now    = time.Unix(1_800_000_000, 0)
	secret = []byte("a secret of 32 bytes or a few more")
	// near is the address of the proxy in front.
	near = netip.MustParseAddr("127.0.0.1")
	far  = netip.MustParseAddr("192.0.2.1")
)

func byNear() *Vouched { return &Vouched{Networks: []string{"127.0.0.0/8"}} }

// sign returns the value of Authorization; claims get a time at which they end when they have none.
func sign(t testing.TB, key any, method jwt.SigningMethod, claims jwt.MapClaims, kid ...string) string {
	t.Helper()
	if _, ok := claims["exp"]; !ok {
		claims["exp"] = now.Add(time.Hour).Unix()
	}
	token := jwt.NewWithClaims(method, claims)
	for _, id := range kid {
		token.Header["kid"] = id
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + s
}

func compile(t testing.TB, c Config) *Rules {
	t.Helper()
	r, err := Compile(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Rules) of(token string) Scope {
	return r.Resolve(headers{"authorization": token}, near, now.UnixNano())
}

func shared(a, b *Scope, c Class) bool {
	x, ok := a.ID(c)
	y, both := b.ID(c)
	return ok && both && bytes.Equal(x, y)
}

func TestWithoutRulesCredentialsBypass(t *testing.T) {
	var r *Rules
	for name, c := range map[string]struct {
		h    headers
		want Class
		why  Reason
	}{
		"nothing": {headers{}, Public, None}, "authorization": {headers{"authorization": "x"}, Bypass, Authorization},
		"authorization without a value": {headers{"authorization": ""}, Bypass, Authorization}, "cookie": {headers{"cookie": "a=b"}, Bypass, Cookie},
	} {
		if s := r.Resolve(c.h, near, 0); s.Class != c.want || s.Reason != c.why {
			t.Errorf("%s: %s, %s", name, s.Class, s.Reason)
		}
	}
	if r, err := Compile(t.Context(), Config{}, nil); r != nil || err != nil {
		t.Error("an empty config has rules")
	}
}

func TestVerifiedClaimsTellTheScope(t *testing.T) {
	rule := func(class, claim string) *Rules {
		return compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: class, Claim: claim, TenantClaim: "org", RolesClaim: "realm.roles"}})
	}
	claims := func(more jwt.MapClaims) string {
		c := jwt.MapClaims{"sub": "ann", "org": "acme", "realm": map[string]any{"roles": []string{"b", "a"}}}
		for k, v := range more {
			c[k] = v
		}
		return sign(t, secret, jwt.SigningMethodHS256, c)
	}
	user, tenant, roles := rule("user", "sub"), rule("tenant", "org"), rule("roles", "realm.roles")
	ann := user.of(claims(nil))
	if ann.Class != User || !ann.Authenticated || ann.Tenant != "acme" || ann.TenantID != user.TenantID("acme") || len(ann.TenantID) != 32 {
		t.Errorf("user: %+v", ann)
	}
	bob := user.of(claims(jwt.MapClaims{"sub": "bob"}))
	if shared(&ann, &bob, User) || !shared(&ann, &bob, Tenant) || !shared(&ann, &bob, Roles) {
		t.Error("ann and bob share their roles and their tenant, and nothing else")
	}
	if s := tenant.of(claims(nil)); s.Class != Tenant || !shared(&s, &ann, Tenant) {
		t.Errorf("tenant: %+v", s)
	}
	if _, ok := (&Scope{}).ID(User); ok {
		t.Error("nobody is a user")
	}
	swapped := roles.of(claims(jwt.MapClaims{"realm": map[string]any{"roles": []string{"a", "b", "a"}}}))
	if s := roles.of(claims(nil)); s.Class != Roles || !shared(&s, &swapped, Roles) {
		t.Error("the order of roles matters")
	}
	if s := roles.of(claims(jwt.MapClaims{"realm": nil})); s.Reason != NoClaim {
		t.Errorf("no roles where they are the class: %+v", s)
	}
	bare := user.of(claims(jwt.MapClaims{"realm": nil}))
	if bare.Class != User || shared(&bare, &ann, Roles) || shared(&bare, &ann, User) {
		t.Error("who has lost his roles shares what was kept while he had them")
	}
}

// A token that never ends could not be taken back.
func TestATokenWithoutAnEndIsNone(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	for name, claims := range map[string]jwt.MapClaims{"absent": {"sub": "42"}, "null": {"sub": "42", "exp": nil}, "words": {"sub": "42", "exp": "never"}} {
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // looked at, then remembered
			if s := r.of("Bearer " + text); s.Class != Bypass {
				t.Errorf("exp %s: %+v", name, s)
			}
		}
	}
}

func TestOneNameInTwoTenantsIsTwoIdentities(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub", TenantClaim: "org"}})
	resolve := func(c jwt.MapClaims) Scope { return r.of(sign(t, secret, jwt.SigningMethodHS256, c)) }
	a, b := resolve(jwt.MapClaims{"sub": "42", "org": "a"}), resolve(jwt.MapClaims{"sub": "42", "org": "b"})
	if a.Class != User || b.Class != User || shared(&a, &b, User) || shared(&a, &b, Tenant) {
		t.Errorf("%+v %+v", a, b)
	}
	for name, c := range map[string]jwt.MapClaims{"absent": {"sub": "42"}, "empty": {"sub": "42", "org": ""}, "a number": {"sub": "42", "org": 7}} {
		if s := resolve(c); s.Reason != NoClaim {
			t.Errorf("tenant %s: %+v", name, s)
		}
	}
	end := jwt.MapClaims{"sub": "42", "org": "a", "exp": int64(1) << 40}
	for range 2 { // verified, then remembered
		if resolve(end).Class != User {
			t.Error("a token that ends beyond the range of unix ns is refused")
		}
	}
}

func TestRememberedTokenEndsWithItsTime(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub", Leeway: "5s"}})
	h := headers{"authorization": sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "nbf": now.Unix()})}
	at := func(d time.Duration) Scope { return r.Resolve(h, near, now.Add(d).UnixNano()) }
	if s := at(-6 * time.Second); s.Reason != Untrusted {
		t.Errorf("before its time: %+v", s)
	}
	if s := at(refusedFor); s.Class != User {
		t.Errorf("within its time: %+v", s)
	}
	if s := at(time.Hour + 4*time.Second); s.Class != User {
		t.Errorf("within the leeway: %+v", s)
	}
	if s := at(time.Hour + 5*time.Second); s.Reason != Expired {
		t.Errorf("an expired token is served from memory: %+v", s)
	}
	if n := r.verified.Load(); n != 2 {
		t.Errorf("looked at %d times", n)
	}
}

func TestTrustedHeader(t *testing.T) {
	r := compile(t, Config{Header: &Header{Name: "X-Tenant", Class: "tenant", VouchedBy: byNear()}, IgnoreCookies: true})
	a := r.Resolve(headers{"x-tenant": "a", "authorization": "x", "cookie": "c"}, near, 0)
	b := r.Resolve(headers{"x-tenant": "b"}, netip.MustParseAddr("::ffff:127.0.0.1"), 0)
	if a.Class != Tenant || b.Class != Tenant || shared(&a, &b, Tenant) || a.Tenant != "a" {
		t.Errorf("%+v %+v", a, b)
	}
	for name, c := range map[string]struct {
		h    headers
		peer netip.Addr
		want Scope
	}{
		"from a stranger":                {headers{"x-tenant": "a"}, far, bypass(Unvouched)},
		"from a unix socket":             {headers{"x-tenant": "a"}, netip.Addr{}, bypass(Unvouched)},
		"empty, from a stranger":         {headers{"x-tenant": ""}, far, bypass(Unvouched)},
		"credentials without the header": {headers{"authorization": "x"}, near, bypass(Authorization)},
		"no credentials":                 {headers{}, near, Scope{}},
		"empty":                          {headers{"x-tenant": ""}, near, Scope{}},
	} {
		if s := r.Resolve(c.h, c.peer, 0); s != c.want {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestTrustedHeaderByASecret(t *testing.T) {
	const word = "between us and the proxy"
	r := compile(t, Config{Header: &Header{Name: "X-User", Class: "user", VouchedBy: &Vouched{SecretHeader: "X-Proxy", Secret: word, Networks: []string{"unix", "10.0.0.1"}}}})
	for name, c := range map[string]struct {
		h    headers
		peer netip.Addr
		want Class
	}{
		"both":           {headers{"x-user": "a", "x-proxy": word}, netip.MustParseAddr("10.0.0.1"), User},
		"a unix socket":  {headers{"x-user": "a", "x-proxy": word}, netip.Addr{}, User},
		"a wrong secret": {headers{"x-user": "a", "x-proxy": word + "!"}, netip.Addr{}, Bypass},
		"no secret":      {headers{"x-user": "a"}, netip.Addr{}, Bypass},
		"a stranger":     {headers{"x-user": "a", "x-proxy": word}, netip.MustParseAddr("10.0.0.2"), Bypass},
	} {
		if s := r.Resolve(c.h, c.peer, 0); s.Class != c.want {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestCredentialsThatNoRuleReads(t *testing.T) {
	r := compile(t, Config{AuthorizedPublic: true})
	if s := r.Resolve(headers{"authorization": "x"}, near, 0); s.Class != Public || !s.Explicit || s.Authenticated {
		t.Errorf("%+v", s)
	}
	if s := r.Resolve(headers{}, near, 0); s != (Scope{}) {
		t.Errorf("%+v", s)
	}
	if s := r.Resolve(headers{"cookie": "x"}, near, 0); s.Reason != Cookie {
		t.Errorf("%+v", s)
	}
}

func TestBadRulesNameTheCure(t *testing.T) {
	token := func(j JWT) Config { return Config{JWT: &j} }
	good := JWT{Class: "user", Claim: "sub", Algorithms: []string{"HS256"}, Secret: "s", Issuer: "a"}
	with := func(change func(*JWT)) Config { j := good; change(&j); return token(j) }
	for want, c := range map[string]Config{
		"scope.header.class is":      {Header: &Header{Name: "x", Class: "all"}},
		"scope.header.name":          {Header: &Header{Class: "user"}},
		"vouched_by is missing":      {Header: &Header{Name: "x", Class: "user"}},
		"holds every client":         {Header: &Header{Name: "x", Class: "user", VouchedBy: &Vouched{Networks: []string{"0.0.0.0/0"}}}},
		"is no network":              {Header: &Header{Name: "x", Class: "user", VouchedBy: &Vouched{Networks: []string{"here"}}}},
		"belong together":            {Header: &Header{Name: "x", Class: "user", VouchedBy: &Vouched{SecretHeader: "y"}}},
		"at least 16":                {Header: &Header{Name: "x", Class: "user", VouchedBy: &Vouched{SecretHeader: "y", Secret: "z"}}},
		"is the header itself":       {Header: &Header{Name: "x", Class: "user", VouchedBy: &Vouched{SecretHeader: "X", Secret: "0123456789abcdef"}}},
		"scope.jwt.claim is missing": token(JWT{Class: "user"}),
		"scope.jwt.class is":         token(JWT{Class: "public", Claim: "sub"}),
		"algorithms is missing":      token(JWT{Class: "user", Claim: "sub"}),
		"no signing algorithm":       with(func(j *JWT) { j.Algorithms = []string{"none"} }),
		"kind of key":                with(func(j *JWT) { j.Algorithms = []string{"RS256"} }),
		"HS algorithms need":         with(func(j *JWT) { j.Secret, j.PublicKeyFile = "", "k.pem" }),
		"0 keys":                     token(JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}}),
		"public_key_file":            token(JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, PublicKeyFile: "/nonexistent"}),
		"jwks_file":                  token(JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, JWKSFile: "/nonexistent"}),
		"from whoever answers":       token(JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, JWKSURL: "http://keys.example/jwks"}),
		"jwks_ca":                    token(JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, JWKSURL: "https://keys.example/jwks", JWKSCA: "/nonexistent"}),
		"jwks_refresh is":            with(func(j *JWT) { j.JWKSRefresh = "1ms" }),
		"leeway is":                  with(func(j *JWT) { j.Leeway = "1h" }),
		"names the user already":     with(func(j *JWT) { j.UserClaim = "email" }),
		"roles_claim":                with(func(j *JWT) { j.RolesClaim = "a..b" }),
		"several rules need":         {JWT: &good, Issuers: []JWT{good}},
		"without a token rule":       {JWT: &good, AuthorizedPublic: true},
	} {
		if _, err := Compile(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	second := good
	second.Issuer, second.Class = "b", "all"
	if _, err := Compile(t.Context(), Config{JWT: &good, Issuers: []JWT{second}}, nil); err == nil || !strings.HasPrefix(err.Error(), "scope.issuers[0].class") {
		t.Error(err)
	}
	second.Class = "everyone"
	if _, err := Compile(t.Context(), Config{Issuers: []JWT{good, second}}, nil); err == nil || !strings.HasPrefix(err.Error(), "scope.issuers[1].class") {
		t.Error(err)
	}
}

func TestNamesOfClassesAndReasons(t *testing.T) {
	for c := Public; c < Bypass; c++ {
		if got, ok := ParseClass(c.String()); !ok || got != c {
			t.Errorf("%s", c)
		}
	}
	seen := map[string]bool{}
	for r := None; r < Reasons; r++ {
		if name := r.String(); seen[name] || name == "unknown" {
			t.Errorf("reason %d: %q", r, name)
		}
		seen[r.String()] = true
	}
	if _, ok := ParseClass("bypass"); ok || Reasons.String() != "unknown" || Class(9).String() != "unknown" {
		t.Error("there are more names than classes or reasons")
	}
}

type raw struct{ authorization []byte }

func (r *raw) Header(n string) []byte {
	if n == "authorization" {
		return r.authorization
	}
	return nil
}

func (r *raw) Count(n string) int {
	if n == "authorization" {
		return 1
	}
	return 0
}

func TestSeenCredentialsAllocateNothing(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	good := &raw{[]byte(sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"}))}
	bad := &raw{[]byte(sign(t, []byte("another"), jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"}))}
	at := now.UnixNano()
	for name, h := range map[string]*raw{"good": good, "refused": bad} {
		if n := testing.AllocsPerRun(100, func() { r.Resolve(h, near, at) }); n != 0 {
			t.Errorf("%s token: %v allocations", name, n)
		}
	}
	if n := r.verified.Load(); n != 2 {
		t.Errorf("%d tokens were looked at, 2 were sent", n)
	}
	r = compile(t, Config{Header: &Header{Name: "authorization", Class: "user", VouchedBy: byNear()}})
	if n := testing.AllocsPerRun(100, func() { r.Resolve(good, near, at) }); n != 0 {
		t.Errorf("trusted header: %v allocations", n)
	}
}

func BenchmarkResolve(b *testing.B) {
	r := compile(b, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub", TenantClaim: "org"}})
	h := &raw{[]byte(sign(b, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "org": "acme", "padding": strings.Repeat("x", 500)}))}
	at := now.UnixNano()
	b.Run("seen", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Resolve(h, near, at)
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			r.judge(string(h.authorization[7:]), at)
		}
	})
	b.Run("without rules", func(b *testing.B) {
		var none *Rules
		for b.Loop() {
			none.Resolve(headers{}, near, at)
		}
	})
}
