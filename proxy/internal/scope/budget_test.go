package scope

import (
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestBudget(t *testing.T) {
	var b budget
	at := now.UnixNano()
	count := func(at int64) (n int) {
		for range 3 * perSecond {
			if b.take(at) {
				n++
			}
		}
		return n
	}
	if n := count(at); n != perSecond {
		t.Errorf("%d at once", n)
	}
	if n := count(at + int64(100*time.Millisecond)); n != perSecond/10 {
		t.Errorf("%d after a tenth of a second", n)
	}
	if n := count(at - int64(time.Hour)); n != perSecond {
		t.Errorf("%d after the clock went back", n)
	}
}

func TestInventedTokensDoNotTakeTheProcessor(t *testing.T) {
	r := compile(t, Config{JWT: &JWT{Algorithms: []string{"HS256"}, Secret: string(secret), Class: "user", Claim: "sub"}})
	seen := sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann"})
	r.of(seen)
	for i := range 5 * perSecond {
		r.of(fmt.Sprintf("Bearer %d.x.y", i))
	}
	if n := r.verified.Load(); n != perSecond {
		t.Errorf("%d tokens were looked at within one second", n)
	}
	if s := r.of(seen); s.Class != User {
		t.Errorf("a token that is known passes the cache: %+v", s)
	}
	late := sign(t, secret, jwt.SigningMethodHS256, jwt.MapClaims{"sub": "bob"})
	if s := r.of(late); s.Reason != Busy {
		t.Errorf("%+v", s)
	}
	if s := r.Resolve(headers{"authorization": late}, near, now.Add(time.Second).UnixNano()); s.Class != User {
		t.Errorf("a second later: %+v", s)
	}
}
