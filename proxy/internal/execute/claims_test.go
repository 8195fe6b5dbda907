package execute

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// claimsOf returns those of a verified token of a user, and a request with it.
func claimsOf(t *testing.T, user string) (*scope.Claims, *wire.RequestHead) {
	t.Helper()
	const key = "0123456789abcdef0123456789abcdef"
	rules, err := scope.Compile(t.Context(), scope.Config{JWT: &scope.JWT{Algorithms: []string{"HS256"}, Secret: key, Class: "user", Claim: "sub"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules.KeepClaims()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	h := new(wire.RequestHead)
	if h.Parse([]byte("POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+token+"\r\n\r\n"), 1<<12) != wire.OK {
		t.Fatal(token)
	}
	claims := rules.Verified(h, time.Now().UnixNano())
	if claims == nil {
		t.Fatal("the token is not good")
	}
	return claims, h
}

// Claims tell requests apart whose heads do not: a token is good until it expires, or until its key is gone.
func TestClaimsTellRequestsApart(t *testing.T) {
	ann, head := claimsOf(t, "ann")
	bob, _ := claimsOf(t, "bob")
	id, err := scope.ParseClaim("sub")
	if err != nil {
		t.Fatal(err)
	}
	for _, join := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlowShop(t, !join)
			s.cfg.Join = join
			s.cfg.Headers = forward.Compile(forward.TraceForward, forward.Rules{Claims: []forward.Claimed{{Name: "x-user", Claim: id}}}, []forward.Rules{{}, {}})
			s.e = New(s.cfg)
			p := s.plan(plain)
			var v planner.Values
			if errs := p.Coerce(nil, &v); len(errs) > 0 {
				t.Fatal("the variables do not fit")
			}
			plan, err := p.Fetches(&v)
			if err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for _, claims := range []*scope.Claims{ann, bob, nil, ann} {
				all.Go(func() {
					if body, _ := s.e.Execute(t.Context(), &Request{Plan: plan, Values: &v, Head: head, Claims: claims}, nil); string(body) != whole {
						t.Errorf("%s", body)
					}
				})
			}
			all.Wait()
			if s.asked != 6 {
				t.Errorf("joined %t: asked %d times, want twice for each of three", join, s.asked)
			}
		})
	}
}
