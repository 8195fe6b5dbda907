package scope

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestOneNameInTwoTenantsIsTwoIdentities(t *testing.T) {
	secret := []byte("a secret of 32 bytes or a few more")
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub", TenantClaim: "org"}})
	resolve := func(c jwt.MapClaims) Scope {
		return r.Resolve(headers{"authorization": sign(t, secret, jwt.SigningMethodHS256, c)}, now.UnixNano())
	}
	a, b := resolve(jwt.MapClaims{"sub": "42", "org": "a"}), resolve(jwt.MapClaims{"sub": "42", "org": "b"})
	if a.Class != User || b.Class != User || a.ID == b.ID {
		t.Errorf("%+v %+v", a, b)
	}
	for name, c := range map[string]jwt.MapClaims{"absent": {"sub": "42"}, "empty": {"sub": "42", "org": ""}, "a number": {"sub": "42", "org": 7}} {
		if s := resolve(c); s.Class != Bypass {
			t.Errorf("tenant %s: %+v", name, s)
		}
	}
	far := jwt.MapClaims{"sub": "42", "org": "a", "exp": int64(1) << 40}
	for range 2 { // verified, then remembered
		if resolve(far).Class != User {
			t.Error("a token that ends beyond the range of unix ns is refused")
		}
	}
}
