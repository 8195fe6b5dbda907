package scope

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

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

var now = time.Unix(1_800_000_000, 0)

func sign(t *testing.T, key any, method jwt.SigningMethod, claims jwt.MapClaims) string {
	t.Helper()
	if _, ok := claims["exp"]; !ok {
		claims["exp"] = now.Add(time.Hour).Unix()
	}
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + s
}

func compile(t *testing.T, c Config) *Rules {
	t.Helper()
	r, err := Compile(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWithoutRulesCredentialsBypass(t *testing.T) {
	var r *Rules
	for name, c := range map[string]struct {
		h    headers
		want Class
	}{
		"nothing": {headers{}, Public}, "authorization": {headers{"authorization": "x"}, Bypass}, "cookie": {headers{"cookie": "a=b"}, Bypass},
	} {
		if s := r.Resolve(c.h, 0); s.Class != c.want {
			t.Errorf("%s: %s", name, s.Class)
		}
	}
	if r, err := Compile(context.Background(), Config{}); r != nil || err != nil {
		t.Error("an empty config has rules")
	}
}

func TestVerifiedClaimsTellTheScope(t *testing.T) {
	secret := []byte("a secret of 32 bytes or a few more")
	rule := func(class, claim string) *Rules {
		return compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Issuer: "i", Audience: "a", Class: class, Claim: claim, TenantClaim: "org"}})
	}
	base := func(more jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "i", "aud": "a", "sub": "ann", "org": "acme", "roles": []string{"b", "a"}}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	resolve := func(r *Rules, token string) Scope { return r.Resolve(headers{"authorization": token}, now.UnixNano()) }
	good := sign(t, secret, jwt.SigningMethodHS256, base(nil))
	user, tenant, roles := rule("user", "sub"), rule("tenant", "org"), rule("roles", "roles")

	s := resolve(user, good)
	if s.Class != User || !s.Authenticated || s.Tenant != "acme" || s.ID == ([32]byte{}) {
		t.Errorf("user: %+v", s)
	}
	if resolve(user, sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"sub": "bob"}))).ID == s.ID {
		t.Error("two users have one id")
	}
	if resolve(tenant, good).Class != Tenant || resolve(tenant, good).ID == s.ID {
		t.Error("tenant")
	}
	swapped := sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"roles": []string{"a", "b", "a"}}))
	if a, b := resolve(roles, good), resolve(roles, swapped); a.ID != b.ID || a.Class != Roles {
		t.Error("the order of roles matters")
	}

	for name, token := range map[string]string{
		"other key":    sign(t, []byte("another"), jwt.SigningMethodHS256, base(nil)),
		"algorithm":    sign(t, secret, jwt.SigningMethodHS384, base(nil)),
		"none":         sign(t, jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, base(nil)),
		"expired":      sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"exp": now.Add(-time.Second).Unix()})),
		"not yet":      sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"nbf": now.Add(time.Minute).Unix()})),
		"issuer":       sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"iss": "x"})),
		"audience":     sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"aud": "x"})),
		"claim absent": sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"sub": nil})),
		"claim empty":  sign(t, secret, jwt.SigningMethodHS256, base(jwt.MapClaims{"sub": ""})),
		"not a token":  "Bearer xyz",
		"basic":        "Basic " + strings.TrimPrefix(good, "Bearer "),
		"cut":          good[:len(good)-2],
	} {
		if s := resolve(user, token); s.Class != Bypass {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestRememberedTokenEndsWithItsTime(t *testing.T) {
	secret := "a secret of 32 bytes or a few more"
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: secret, Class: "user", Claim: "sub"}})
	h := headers{"authorization": sign(t, []byte(secret), jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"})}
	if r.Resolve(h, now.UnixNano()).Class != User {
		t.Fatal("a good token is refused")
	}
	if r.Resolve(h, now.Add(time.Hour).UnixNano()).Class != Bypass {
		t.Error("an expired token is served from memory")
	}
}

func TestPublicKeyFile(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"ES256"}, PublicKeyFile: file, Class: "user", Claim: "sub"}})
	h := headers{"authorization": sign(t, key, jwt.SigningMethodES256, jwt.MapClaims{"sub": "ann"})}
	if s := r.Resolve(h, now.UnixNano()); s.Class != User {
		t.Errorf("%+v", s)
	}
}

func TestTrustedHeader(t *testing.T) {
	r := compile(t, Config{Header: &Header{Name: "X-Tenant", Class: "tenant"}, IgnoreCookies: true})
	a := r.Resolve(headers{"x-tenant": "a", "authorization": "x", "cookie": "c"}, 0)
	b := r.Resolve(headers{"x-tenant": "b"}, 0)
	if a.Class != Tenant || b.Class != Tenant || a.ID == b.ID {
		t.Errorf("%+v %+v", a, b)
	}
	if s := r.Resolve(headers{"authorization": "x"}, 0); s.Class != Bypass {
		t.Errorf("credentials without the header: %+v", s)
	}
	if s := r.Resolve(headers{}, 0); s.Class != Public {
		t.Errorf("no credentials: %+v", s)
	}
}

func TestBadRulesNameTheCure(t *testing.T) {
	for want, c := range map[string]Config{
		"scope.header.class is": {Header: &Header{Name: "x", Class: "all"}},
		"scope.header.name":     {Header: &Header{Class: "user"}},
		"scope.jwt.claim":       {JWT: &JWT{Class: "user"}},
		"algorithms is missing": {JWT: &JWT{Class: "user", Claim: "sub"}},
		"no signing algorithm":  {JWT: &JWT{Class: "user", Claim: "sub", Algorithms: []string{"none"}, Secret: "s"}},
		"kind of key":           {JWT: &JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, Secret: "s"}},
		"0 keys":                {JWT: &JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}}},
		"public_key_file":       {JWT: &JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, PublicKeyFile: "/nonexistent"}},
		"jwks_file":             {JWT: &JWT{Class: "user", Claim: "sub", Algorithms: []string{"RS256"}, JWKSFile: "/nonexistent"}},
	} {
		if _, err := Compile(context.Background(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
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

func TestSeenTokenAllocatesNothing(t *testing.T) {
	secret := "a secret of 32 bytes or a few more"
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: secret, Class: "user", Claim: "sub"}})
	h := &raw{[]byte(sign(t, []byte(secret), jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"}))}
	at := now.UnixNano()
	if n := testing.AllocsPerRun(100, func() { r.Resolve(h, at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	r = compile(t, Config{Header: &Header{Name: "authorization", Class: "user"}})
	if n := testing.AllocsPerRun(100, func() { r.Resolve(h, at) }); n != 0 {
		t.Errorf("trusted header: %v allocations", n)
	}
}
