package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signer is one signing key of who issues tokens.
type signer struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, k}
}

// set is the JSON Web Key Set that has this key alone.
func (s signer) set(t *testing.T) *string {
	t.Helper()
	b, err := s.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	number := base64.RawURLEncoding.EncodeToString
	text := fmt.Sprintf(`{"keys":[{"kid":%q,"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, s.id, number(b[1:33]), number(b[33:]))
	return &text
}

// token signs claims, which hold for an hour unless they say otherwise.
func (s signer) token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = s.id
	text, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + text
}

// issuer serves the key that it signs tokens with.
type issuer struct {
	t      *testing.T
	signer signer
	jwks   atomic.Pointer[string]
	down   atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t}
	i.rotate("k1")
	return i
}

// rotate has another key, and only that.
func (i *issuer) rotate(id string) {
	i.t.Helper()
	i.signer = newSigner(i.t, id)
	i.jwks.Store(i.signer.set(i.t))
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if i.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, *i.jwks.Load())
}

// token signs claims over those of a good one.
func (i *issuer) token(claims jwt.MapClaims) string {
	i.t.Helper()
	all := jwt.MapClaims{"iss": "issuer", "aud": "shop", "sub": "u1"}
	maps.Copy(all, claims)
	return i.signer.token(i.t, all)
}

// keyed waits until the sidecar has so many sets of signing keys had from an issuer.
func (r *rig) keyed(sets int) {
	r.t.Helper()
	r.log.await(r.t, "new signing keys are in force", sets)
}
