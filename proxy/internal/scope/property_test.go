package scope

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"
)

// who is what the property draws: values that look like each other's parts.
type who struct {
	Issuer, Tenant, User string
	Roles                []string
}

func drawWho(t *rapid.T, label string) who {
	word := rapid.SampledFrom([]string{"a", "b", "ab", "a,b", "1:a", "t", "u", "\x00", "a\x00b", "r1a", "é", "e\u0301", "A", "a ", `"`, "42"})
	w := who{
		Issuer: rapid.SampledFrom([]string{"i", "j"}).Draw(t, label+" issuer"), Tenant: word.Draw(t, label+" tenant"),
		User: word.Draw(t, label+" user"), Roles: rapid.SliceOfN(word, 0, 3).Draw(t, label+" roles"),
	}
	slices.Sort(w.Roles)
	w.Roles = slices.Compact(w.Roles)
	return w
}

func (w who) token(t testing.TB) string {
	return sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"iss": w.Issuer, "org": w.Tenant, "sub": w.User, "roles": w.Roles})
}

// TestTwoIdentitiesNeverShare: two requests are of one group of a class exactly when all that the class is told by is the same.
func TestTwoIdentitiesNeverShare(t *testing.T) {
	rule := func(issuer string) JWT {
		return JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Issuer: issuer, Class: "user", Claim: "sub", TenantClaim: "org", RolesClaim: "roles"}
	}
	r := compile(t, Config{Issuers: []JWT{rule("i"), rule("j")}, Key: "k"})
	other := compile(t, Config{Issuers: []JWT{rule("i"), rule("j")}, Key: "K"})
	rapid.Check(t, func(rt *rapid.T) {
		one, two := drawWho(rt, "one"), drawWho(rt, "two")
		if rapid.Bool().Draw(rt, "near") { // differ in one part at most
			was := two
			two = one
			switch rapid.IntRange(0, 4).Draw(rt, "part") {
			case 0:
				two.Issuer = was.Issuer
			case 1:
				two.Tenant = was.Tenant
			case 2:
				two.User = was.User
			case 3:
				two.Roles = was.Roles
			}
		}
		r.budget.full.Store(0)
		other.budget.full.Store(0)
		a, b := r.of(one.token(t)), r.of(two.token(t))
		if a.Class != User || b.Class != User {
			rt.Fatalf("%+v %+v", a, b)
		}
		sameTenant := one.Issuer == two.Issuer && one.Tenant == two.Tenant
		sameRoles := sameTenant && slices.Equal(one.Roles, two.Roles)
		for c, same := range map[Class]bool{Tenant: sameTenant, Roles: sameRoles, User: sameRoles && one.User == two.User} {
			if shared(&a, &b, c) != same {
				rt.Errorf("class %s: %+v and %+v share: %v", c, one, two, !same)
			}
		}
		if (a.TenantID == b.TenantID) != (one.Tenant == two.Tenant) {
			rt.Errorf("tenant ids of %q and %q", one.Tenant, two.Tenant)
		}
		x := other.of(one.token(t))
		name := one.User + one.Tenant
		for c := Tenant; c <= User; c++ {
			if shared(&a, &x, c) {
				rt.Error("a hash does not depend on the secret")
			}
			if id, _ := a.ID(c); len(name) >= 5 && strings.Contains(string(id), name) { // a hash has any two bytes by chance
				rt.Error("a hash shows the name")
			}
		}
		ids := map[string]Class{}
		for c := Tenant; c <= User; c++ {
			id, _ := a.ID(c)
			if was, twice := ids[string(id)]; twice {
				rt.Errorf("%s and %s have one hash", was, c)
			}
			ids[string(id)] = c
		}
	})
}

func FuzzClaimPath(f *testing.F) {
	for _, s := range []string{"sub", "realm_access.roles", `"https://a/b.c".id`, `"a\"b"`, `a."b`, "..", "", `"`, "https://x/y", strings.Repeat("a.", 9) + "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := parsePath(text)
		if err != nil {
			if path != nil {
				t.Errorf("%q: %q with an error", text, path)
			}
			return
		}
		quoted := make([]string, len(path))
		claims := map[string]any{}
		for i, name := range path {
			if name == "" || len(name) > maxName || i >= maxPath {
				t.Fatalf("%q: %q", text, path)
			}
			quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
		}
		again, err := parsePath(strings.Join(quoted, "."))
		if err != nil || !reflect.DeepEqual(again, path) {
			t.Errorf("%q is %q, and written with quotes %q, %v", text, path, again, err)
		}
		if find(claims, path) != nil {
			t.Error("something is found in nothing")
		}
		inner := claims
		for _, name := range path[:len(path)-1] {
			next := map[string]any{}
			inner[name] = next
			inner = next
		}
		inner[path[len(path)-1]] = "here"
		if find(claims, path) != "here" {
			t.Errorf("%q is not found", path)
		}
	})
}

// FuzzToken: whatever comes in Authorization, nobody gets an identity without a signature.
func FuzzToken(f *testing.F) {
	good := sign(f, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "iss": "i"})
	for _, s := range []string{good, good + "=", "Bearer a.b.c", "bearer  x", "Bearer " + strings.Repeat(".", 100), "", "Basic x", strings.Replace(good, ".", "..", 1)} {
		f.Add(s)
	}
	rule := JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Issuer: "i", Class: "user", Claim: "sub"}
	second := rule
	second.Issuer = "j"
	r := compile(f, Config{Issuers: []JWT{rule, second}})
	want := r.of(good).identity
	f.Fuzz(func(t *testing.T, authorization string) {
		r.budget.full.Store(0)
		s := r.of(authorization)
		if s.Class == Bypass {
			if s.Reason == None || s.Authenticated {
				t.Errorf("%q: %+v", authorization, s)
			}
			return
		}
		if s.Class == User && *s.identity == *want {
			fields := strings.Fields(authorization)
			if len(fields) == 2 && strings.EqualFold(fields[0], "bearer") && fields[1] == strings.Fields(good)[1] {
				return
			}
		}
		t.Errorf("%q has an identity: %+v", authorization, s)
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add(keySetOf(jwk("1", &rsaKey.PublicKey)))
	f.Add(keySetOf(jwk("1", secret), `{"kty":"EC","crv":"P-256"}`, `{"kty":"OKP","crv":"Ed25519","x":"`+base64.RawURLEncoding.EncodeToString(make([]byte, 32))+`"}`))
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AA","kid":"` + fmt.Sprint(1) + `"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parseKeySet([]byte(text))
		if (set == nil) != (err != nil) {
			t.Fatalf("%v %v", set, err)
		}
		if set == nil {
			return
		}
		if len(set.all) == 0 || len(set.all) > maxKeys {
			t.Errorf("%d keys", len(set.all))
		}
		for _, k := range set.all {
			if _, symmetric := k.key.([]byte); symmetric {
				t.Error("a shared secret is among the public keys")
			}
		}
	})
}
