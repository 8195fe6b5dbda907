package scope

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// provider is an identity provider's key set; nil: it is down.
type provider struct {
	text    atomic.Pointer[string]
	fetches atomic.Int64
}

func (p *provider) set(text string) { p.text.Store(&text) }

func (p *provider) fetch(context.Context) ([]byte, error) {
	p.fetches.Add(1)
	if text := p.text.Load(); text != nil {
		return []byte(*text), nil
	}
	return nil, errors.New("it is down")
}

// follow runs the keys of p in a bubble of synctest, where time costs nothing.
func follow(t *testing.T, p *provider, f func(k *keys)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &keys{wanted: make(chan struct{}, 1)}
		go k.follow(t.Context(), p.fetch, 5*time.Minute, slog.New(slog.DiscardHandler))
		synctest.Wait()
		f(k)
	})
}

// has reports whether a token that names the key would find it.
func (k *keys) has(id string) bool {
	_, err := k.find(&jwt.Token{Method: jwt.SigningMethodES256, Header: map[string]any{"alg": "ES256", "kid": id}})
	synctest.Wait()
	return err == nil
}

func TestUnknownKeyHasTheSetFetchedWithinABound(t *testing.T) {
	one, two := jwk("1", &ecKey(t).PublicKey), jwk("2", &ecKey(t).PublicKey)
	p := &provider{}
	p.set(keySetOf(one))
	follow(t, p, func(k *keys) {
		if !k.has("1") || p.fetches.Load() != 1 {
			t.Fatalf("%d fetches", p.fetches.Load())
		}
		generation := k.generation.Load()
		p.set(keySetOf(two))
		if k.has("2") {
			t.Error("the token waited for the fetch")
		}
		if !k.has("2") || k.has("1") || k.generation.Load() == generation {
			t.Error("the keys were not rotated at once")
		}
		start := time.Now()
		for range 10_000 { // tokens of a key that there is not
			k.has("3")
			time.Sleep(30 * time.Millisecond) // of the bubble's time
		}
		if n := p.fetches.Load(); n > 2+burst*int64(time.Since(start)/burstPause+1) {
			t.Errorf("%d fetches in %s", n, time.Since(start))
		}
		same := k.generation.Load()
		time.Sleep(time.Hour)
		if k.generation.Load() != same {
			t.Error("a set that has not changed makes tokens be looked at again")
		}
	})
}

func TestProviderThatIsDown(t *testing.T) {
	one := keySetOf(jwk("1", &ecKey(t).PublicKey))
	p := &provider{}
	follow(t, p, func(k *keys) {
		if k.has("1") {
			t.Error("there is a key")
		}
		time.Sleep(10 * time.Minute)
		if n := p.fetches.Load(); n < 8 || n > 30 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
		p.set(one)
		time.Sleep(maxRetry + time.Second)
		if !k.has("1") {
			t.Error("down at the start, and never asked again")
		}
		p.text.Store(nil)
		time.Sleep(maxAge - time.Hour)
		if !k.has("1") {
			t.Error("down later: the last good keys are lost")
		}
		time.Sleep(2 * time.Hour)
		if k.has("1") {
			t.Error("keys are trusted for ever, though their provider may have withdrawn them")
		}
		p.set(one)
		time.Sleep(maxRetry + time.Second)
		if !k.has("1") {
			t.Error("back, and not asked")
		}
	})
}

func TestBadKeySetLeavesTheGoodOne(t *testing.T) {
	ec := ecKey(t)
	good := jwk("1", &ec.PublicKey)
	p := &provider{}
	p.set(keySetOf(good))
	follow(t, p, func(k *keys) {
		for name, text := range map[string]string{
			"empty": "", "no JSON": "<html>", "no keys": keySetOf(), "no keys for us": keySetOf(jwk("1", secret), `{"kty":"EC","kid":"1","crv":"P-256","x":"AA","y":"AA"}`),
			"huge": keySetOf(good, jwk("2", &ec.PublicKey, `"x5c":["`+strings.Repeat("A", maxKeySet)+`"]`)), "many": keySetOf(strings.Split(strings.Repeat(good+";", maxKeys)+good, ";")...),
			"null": "null", "an array": "[]", "nested": strings.Repeat("[", 10_000),
		} {
			failed := k.failures.Load()
			p.set(text)
			time.Sleep(6 * time.Minute)
			if !k.has("1") || k.failures.Load() == failed {
				t.Errorf("%s: has %v, failures %d", name, k.has("1"), k.failures.Load())
			}
		}
		p.set(keySetOf(`{"kty":"unheard of","kid":"0"}`, `5`, `{"kty":"EC","kid":"9"}`, good)) // what is not for us does not spoil the rest
		time.Sleep(6 * time.Minute)
		if set := k.current.Load(); !k.has("1") || len(set.all) != 1 {
			t.Errorf("%+v", set)
		}
	})
}

// server answers with a key set, and counts.
func server(t *testing.T, secure bool, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestKeySetsAreFetchedByTLS(t *testing.T) {
	text := keySetOf(jwk("1", &ecKey(t).PublicKey))
	var to string
	handle := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/keys":
			_, _ = io.WriteString(w, text)
		case "/moved":
			http.Redirect(w, r, "/keys", http.StatusFound)
		case "/away":
			http.Redirect(w, r, to, http.StatusFound)
		case "/endless":
			for { // until the reader has enough
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		default:
			http.NotFound(w, r)
		}
	}
	secure, plain := server(t, true, handle), server(t, false, handle)
	to = plain.URL + "/keys"
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	for name, c := range map[string]struct{ url, ca, want string }{
		"by a private authority":       {secure.URL + "/keys", ca, ""},
		"a redirect":                   {secure.URL + "/moved", ca, ""},
		"of this machine":              {plain.URL + "/keys", "", ""},
		"an authority that is unknown": {secure.URL + "/keys", "", "unknown authority"},
		"a redirect away from TLS":     {secure.URL + "/away", ca, "away from TLS"},
		"not found":                    {secure.URL + "/none", ca, "status 404"},
		"endless":                      {secure.URL + "/endless", ca, "larger than"},
	} {
		fetch, err := fromURL(c.url, c.ca)
		if err != nil {
			t.Fatal(err)
		}
		k := &keys{}
		err = k.renew(t.Context(), fetch)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, address := range map[string]string{"no URL": "keys.json", "from whoever answers": "http://192.0.2.1/"} {
		if _, err := fromURL(address, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestRotationForgetsWhatTheOldKeySigned goes the whole way, through a real server and the memory of tokens.
func TestRotationForgetsWhatTheOldKeySigned(t *testing.T) {
	before, after := ecKey(t), ecKey(t)
	p := &provider{}
	p.set(keySetOf(jwk("1", &before.PublicKey)))
	s := server(t, false, func(w http.ResponseWriter, r *http.Request) {
		text, err := p.fetch(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
		_, _ = w.Write(text)
	})
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"ES256"}, JWKSURL: s.URL, Class: "user", Claim: "sub"}})
	oldToken := sign(t, before, jwt.SigningMethodES256, jwt.MapClaims{"sub": "ann"}, "1")
	newToken := sign(t, after, jwt.SigningMethodES256, jwt.MapClaims{"sub": "ann"}, "2")
	eventually(t, "the first key", func() bool { return r.of(oldToken).Class == User })
	a := r.of(oldToken)
	p.set(keySetOf(jwk("2", &after.PublicKey)))
	eventually(t, "the second key", func() bool { return r.of(newToken).Class == User })
	b := r.of(newToken)
	if !shared(&a, &b, User) {
		t.Error("with a new key ann is another one")
	}
	if s := r.of(oldToken); s.Reason != UnknownKey {
		t.Errorf("what the withdrawn key signed is still trusted: %+v", s)
	}
	if st := r.Stats(time.Now().UnixNano()); st.Keys != 1 || st.Fetches < 2 || st.KeysMissing != 0 || st.KeysAge <= 0 {
		t.Errorf("%+v", st)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestKeySetFileThatIsReplaced(t *testing.T) {
	before, after := ecKey(t), ecKey(t)
	name := file(t, keySetOf(jwk("1", &before.PublicKey)))
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"ES256"}, JWKSFile: name, Class: "user", Claim: "sub"}})
	if r.of(sign(t, before, jwt.SigningMethodES256, jwt.MapClaims{"sub": "ann"}, "1")).Class != User {
		t.Error("the file is not read at the start")
	}
	if err := os.WriteFile(name, fmt.Appendf(nil, "%s", keySetOf(jwk("2", &after.PublicKey))), 0o600); err != nil {
		t.Fatal(err)
	}
	token := sign(t, after, jwt.SigningMethodES256, jwt.MapClaims{"sub": "ann"}, "2")
	eventually(t, "the new file", func() bool { return r.of(token).Class == User })
}
