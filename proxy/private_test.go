package proxy

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// What a subgraph calls private is kept for a user by what verified tokens say of him, whichever of them he sends, and for nobody else.
func TestWhatIsPrivateIsKeptForAVerifiedUser(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	var requests atomic.Int32
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=600")
		_, _ = fmt.Fprintf(w, `{"data":{"n":%d}}`, requests.Add(1))
	}, func(f *config.File) {
		yes := true
		f.Supergraph.Cache.Private = &yes
		f.Policy.Cache.Outward.CacheControl = true
		f.Policy.Scope.JWT = &scope.JWT{Algorithms: []string{"HS256"}, Secret: secret, Class: "user", Claim: "sub"}
	})
	token := func(user string, expires time.Duration) string {
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": time.Now().Add(expires).Unix()}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + text
	}
	ann, bob := token("ann", time.Hour), token("bob", time.Hour)
	for i, c := range []struct{ who, want string }{
		{ann, "1"},
		{ann, "2"},
		{ann, "2"},
		{token("ann", 2*time.Hour), "2"},
		{bob, "3"},
		{bob, "3"},
		{ann, "2"},
		{"", "4"},
		{"", "5"},
		{token("ann", -time.Hour), "6"},
		{ann + "x", "7"},
		{ann, "2"},
	} {
		var header []string
		if c.who != "" {
			header = []string{"Authorization", c.who}
		}
		_, h, got := r.fresh(http.MethodGet, "{n}", header...)
		if got != `{"data":{"n":`+c.want+`}}` || len(h.Get("Cache-Control")) < 8 || h.Get("Cache-Control")[:8] != "private," {
			t.Errorf("%d: %s %s, want %s", i, got, h.Get("Cache-Control"), c.want)
		}
	}
}
