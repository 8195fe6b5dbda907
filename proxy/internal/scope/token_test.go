package scope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/maphash"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// rsaKey is made once: it takes long.
var rsaKey = func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}()

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// jwk writes a public key as a JSON Web Key; more are members to add.
func jwk(id string, public any, more ...string) string {
	number := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	var k string
	switch p := public.(type) {
	case *rsa.PublicKey:
		k = fmt.Sprintf(`"kty":"RSA","n":%q,"e":%q`, number(p.N.Bytes()), number(big.NewInt(int64(p.E)).Bytes()))
	case *ecdsa.PublicKey:
		b, err := p.Bytes()
		if err != nil {
			panic(err)
		}
		k = fmt.Sprintf(`"kty":"EC","crv":"P-256","x":%q,"y":%q`, number(b[1:33]), number(b[33:]))
	case []byte:
		k = fmt.Sprintf(`"kty":"oct","k":%q`, number(p))
	}
	return fmt.Sprintf(`{"kid":%q,%s%s}`, id, k, strings.Join(append([]string{""}, more...), ","))
}

func keySetOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func pemOf(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestTokensThatAreNotTrusted is the table of mistakes and tricks. Each must pass the cache, and the good one beside it must not.
func TestTokensThatAreNotTrusted(t *testing.T) {
	ec := ecKey(t)
	set := keySetOf(jwk("rsa", &rsaKey.PublicKey, `"alg":"RS256"`), jwk("ec", &ec.PublicKey), jwk("oct", secret), jwk("enc", &ec.PublicKey, `"use":"enc"`))
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"RS256", "ES256"}, JWKSFile: file(t, set), Issuer: "https://issuer", Audience: "api", Class: "user", Claim: "sub"}})
	claims := func(more jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "https://issuer", "aud": []string{"other", "api"}, "sub": "ann"}
		for k, v := range more {
			c[k] = v
			if v == nil {
				delete(c, k)
			}
		}
		return c
	}
	rs := func(more jwt.MapClaims) string { return sign(t, rsaKey, jwt.SigningMethodRS256, claims(more), "rsa") }
	good := rs(nil)
	parts := strings.Split(good, ".")
	// edit signs a token whose header was changed.
	edit := func(change func(map[string]any)) string {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims(jwt.MapClaims{"exp": now.Add(time.Hour).Unix()}))
		token.Header["kid"] = "rsa"
		change(token.Header)
		s, err := token.SignedString(rsaKey)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + s
	}
	header := func(h map[string]any) string {
		text, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + base64.RawURLEncoding.EncodeToString(text)
	}
	ec2 := ecKey(t)
	for name, c := range map[string]struct {
		token string
		want  Reason
	}{
		"good":                              {good, None},
		"good, by another key":              {sign(t, ec, jwt.SigningMethodES256, claims(nil), "ec"), None},
		"good, without a key id":            {sign(t, ec, jwt.SigningMethodES256, claims(nil)), None},
		"alg none":                          {sign(t, jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, claims(nil), "rsa"), Untrusted},
		"alg none, the signature kept":      {header(map[string]any{"alg": "none", "kid": "rsa"}) + "." + parts[1] + "." + parts[2], Untrusted},
		"alg None":                          {header(map[string]any{"alg": "None", "kid": "rsa"}) + "." + parts[1] + ".", Untrusted},
		"HMAC with the public key as PEM":   {sign(t, pemOf(t, &rsaKey.PublicKey), jwt.SigningMethodHS256, claims(nil), "rsa"), Untrusted},
		"HMAC with the public key's number": {sign(t, rsaKey.N.Bytes(), jwt.SigningMethodHS256, claims(nil), "rsa"), Untrusted},
		"HMAC with a secret of the set":     {sign(t, secret, jwt.SigningMethodHS256, claims(nil), "oct"), Untrusted},
		"RS512, which is not listed":        {sign(t, rsaKey, jwt.SigningMethodRS512, claims(nil), "rsa"), Untrusted},
		"PS256, which the key is not for":   {sign(t, rsaKey, jwt.SigningMethodPS256, claims(nil), "rsa"), Untrusted},
		"ES256 under the id of an RSA key":  {sign(t, ec, jwt.SigningMethodES256, claims(nil), "rsa"), Untrusted},
		"an unknown key id":                 {sign(t, rsaKey, jwt.SigningMethodRS256, claims(nil), "gone"), UnknownKey},
		"a key that is for encryption":      {sign(t, ec, jwt.SigningMethodES256, claims(nil), "enc"), UnknownKey},
		"the id of another key":             {sign(t, ec2, jwt.SigningMethodES256, claims(nil), "ec"), Untrusted},
		"another key, without an id":        {sign(t, ec2, jwt.SigningMethodES256, claims(nil)), Untrusted},
		"a key id that is no text":          {edit(func(h map[string]any) { h["kid"] = 5 }), UnknownKey},
		"a key of its own":                  {edit(func(h map[string]any) { h["kid"] = "x"; h["jwk"] = json.RawMessage(jwk("x", &rsaKey.PublicKey)) }), UnknownKey},
		"a key set of its own":              {edit(func(h map[string]any) { h["kid"] = "x"; h["jku"] = "http://127.0.0.1:1/" }), UnknownKey},
		"a critical extension":              {edit(func(h map[string]any) { h["crit"] = []string{"b64"}; h["b64"] = false }), Untrusted},
		"another issuer":                    {rs(jwt.MapClaims{"iss": "https://issuer/"}), Untrusted},
		"no issuer":                         {rs(jwt.MapClaims{"iss": nil}), Untrusted},
		"a list of issuers":                 {rs(jwt.MapClaims{"iss": []string{"https://issuer"}}), Untrusted},
		"another audience":                  {rs(jwt.MapClaims{"aud": "api2"}), Untrusted},
		"no audience":                       {rs(jwt.MapClaims{"aud": nil}), Untrusted},
		"expired":                           {rs(jwt.MapClaims{"exp": now.Add(-time.Second).Unix()}), Expired},
		"an end that is text":               {rs(jwt.MapClaims{"exp": "tomorrow"}), Untrusted},
		"an end that is null":               {noEnd(t, claims(nil)), Untrusted},
		"not yet":                           {rs(jwt.MapClaims{"nbf": now.Add(time.Minute).Unix()}), Untrusted},
		"no subject":                        {rs(jwt.MapClaims{"sub": nil}), NoClaim},
		"an empty subject":                  {rs(jwt.MapClaims{"sub": ""}), NoClaim},
		"a number for a subject":            {rs(jwt.MapClaims{"sub": 42}), NoClaim},
		"a list for a subject":              {rs(jwt.MapClaims{"sub": []string{"ann"}}), NoClaim},
		"claims of another token":           {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"bob"}`)) + "." + parts[2], Untrusted},
		"cut":                               {good[:len(good)-2], Untrusted},
		"without its signature":             {parts[0] + "." + parts[1] + ".", Untrusted},
		"two parts":                         {parts[0] + "." + parts[1], Malformed},
		"four parts":                        {good + ".x", Malformed},
		"five parts, encrypted":             {"Bearer a.b.c.d.e", Malformed},
		"padding in the signature":          {good + "=", Malformed},
		"garbage":                           {"Bearer \x00\xff\x01", Malformed},
		"three parts of garbage":            {"Bearer !.!.!", Malformed},
		"JSON that is no object":            {"Bearer " + strings.Repeat(base64.RawURLEncoding.EncodeToString([]byte(`[]`))+".", 2) + "x", Malformed},
		"nothing":                           {"Bearer  ", Malformed},
		"oversized":                         {"Bearer " + strings.Repeat("a", maxToken+1), Malformed},
		"oversized, signed":                 {rs(jwt.MapClaims{"x": strings.Repeat("a", maxToken)}), Malformed},
		"Basic":                             {"Basic " + parts[2], Authorization},
		"no scheme":                         {strings.TrimPrefix(good, "Bearer "), Authorization},
	} {
		for round := range 2 { // looked at, then remembered
			if s := r.of(c.token); s.Reason != c.want || (s.Class == User) != (c.want == None) {
				t.Errorf("%s, round %d: %s, %s; want %s", name, round, s.Class, s.Reason, c.want)
			}
		}
	}
}

// noEnd signs claims whose exp is null.
func noEnd(t *testing.T, c jwt.MapClaims) string {
	t.Helper()
	c["exp"] = nil
	return sign(t, rsaKey, jwt.SigningMethodRS256, c, "rsa")
}

func TestKeyIsNotTakenForASecret(t *testing.T) {
	name := file(t, string(pemOf(t, &rsaKey.PublicKey)))
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"RS256"}, PublicKeyFile: name, Class: "user", Claim: "sub"}})
	if s := r.of(sign(t, rsaKey, jwt.SigningMethodRS256, jwt.MapClaims{"sub": "ann"}, "any id")); s.Class != User {
		t.Errorf("a key without an id is for every token: %+v", s)
	}
	if s := r.of(sign(t, pemOf(t, &rsaKey.PublicKey), jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"})); s.Reason != Untrusted {
		t.Errorf("%+v", s)
	}
	for want, text := range map[string]string{"no PEM": "x", "asn1": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		_, err := Compile(t.Context(), Config{JWT: &JWT{Algorithms: []string{"RS256"}, PublicKeyFile: file(t, text), Class: "user", Claim: "sub"}}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSeveralIssuersDoNotMix(t *testing.T) {
	ec := ecKey(t)
	r := compile(t, Config{
		JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Issuer: "a", Class: "user", Claim: "sub"},
		Issuers: []JWT{
			{Algorithms: []string{"ES256"}, JWKSFile: file(t, keySetOf(jwk("1", &ec.PublicKey))), Issuer: "b", Class: "tenant", Claim: `"https://b/org".id`, UserClaim: "sub"},
		},
	})
	ofA := func(iss string) string {
		return sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"iss": iss, "sub": "ann"})
	}
	ofB := func(iss string) string {
		return sign(t, ec, jwt.SigningMethodES256, jwt.MapClaims{"iss": iss, "sub": "ann", "https://b/org": map[string]any{"id": "acme"}}, "1")
	}
	a, b := r.of(ofA("a")), r.of(ofB("b"))
	if a.Class != User || b.Class != Tenant || b.Tenant != "acme" || shared(&a, &b, User) {
		t.Errorf("%+v %+v", a, b)
	}
	for name, token := range map[string]string{"a's key in the name of b": ofA("b"), "b's key in the name of a": ofB("a"), "nobody": ofA("c"), "no name": ofA("")} {
		if s := r.of(token); s.Reason != Untrusted {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := r.of("Bearer a.b.c"); s.Reason != Malformed {
		t.Errorf("%+v", s)
	}
	if s := r.of("Bearer a.!.c"); s.Reason != Malformed {
		t.Errorf("%+v", s)
	}
}

func TestLongTokensAreRememberedToo(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	long := sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "x": strings.Repeat("a", 2*maxKept)})
	for range 3 {
		if s := r.of(long); s.Class != User {
			t.Errorf("%+v", s)
		}
	}
	if n := r.verified.Load(); n != 1 {
		t.Errorf("looked at %d times", n)
	}
}

// TestValuesOfOneHashAreCompared: the fast hash only finds, it does not decide.
func TestValuesOfOneHashAreCompared(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	ann := []byte(strings.TrimPrefix(sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"}), "Bearer "))
	r.token(ann, now.UnixNano())
	known := r.memory.get(aToken, ann)
	other := []byte("another")
	hash := maphash.Bytes(r.memory.seed, other)
	p := &r.memory.parts[hash%memories]
	if p.known == nil {
		p.known = map[uint64]*judgement{}
	}
	p.known[hash] = known // as if both had one hash
	if known == nil || r.memory.get(aToken, other) != nil || r.memory.get(aHeader, ann) != nil {
		t.Error("a value is taken for another of the same hash, or a token for a header")
	}
}

func TestFloodOfBadTokensPushesNoGoodOneOut(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	good := sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"})
	r.of(good)
	for i := range 3 * maxRefused * memories {
		r.budget.full.Store(0)
		if s := r.of(fmt.Sprintf("Bearer %d.x.y", i)); s.Class != Bypass {
			t.Fatalf("%+v", s)
		}
	}
	before := r.verified.Load()
	if r.of(good).Class != User || r.verified.Load() != before {
		t.Error("the good token was forgotten")
	}
	if n := r.memory.size(); n > memories*(maxKnown+maxRefused) || n < maxRefused {
		t.Errorf("%d tokens are remembered", n)
	}
	for i := range 2 * maxKnown * memories {
		r.budget.full.Store(0)
		r.of(sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": fmt.Sprint(i)}))
	}
	if n := r.memory.size(); n > memories*(maxKnown+maxRefused) {
		t.Errorf("%d tokens are remembered", n)
	}
}
