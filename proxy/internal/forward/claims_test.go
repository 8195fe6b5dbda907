package forward

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/scope"
)

const key = "0123456789abcdef0123456789abcdef"

// verified returns the claims of a token that was verified.
func verified(t testing.TB, claims jwt.MapClaims) *scope.Claims {
	t.Helper()
	claims["exp"] = time.Now().Add(time.Hour).Unix()
	if claims["sub"] == nil {
		claims["sub"] = "u1"
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := scope.Compile(context.Background(), scope.Config{JWT: &scope.JWT{Algorithms: []string{"HS256"}, Secret: key, Class: "user", Claim: "sub"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules.KeepClaims()
	c := rules.Verified(head(t, "Authorization: Bearer "+token), time.Now().UnixNano())
	if c == nil {
		t.Fatal("the token is not good")
	}
	return c
}

func claim(t testing.TB, text string) scope.Claim {
	t.Helper()
	c, err := scope.ParseClaim(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClaimsBecomeHeaders(t *testing.T) {
	all := verified(t, jwt.MapClaims{
		"sub": "u1", "n": 12345678901234567, "b": true, "off": false, "none": nil, "empty": "", "utf": "Zoë", "long": strings.Repeat("a", 4097),
		"list": []any{"a,b", "<c>", 1.5}, "org": map[string]any{"z": "1", "id": "acme"}, "lf": "a\r\nx-admin: true", "nul": "a\x00b", "tab": "a\tb", "next": "a\u0085b",
		"space": " u1", "end": "u1 ", "listlf": []any{"a\nb"},
	})
	for name, want := range map[string]string{
		"sub": "u1", "n": "12345678901234567", "b": "true", "off": "false", "utf": "Zoë", "list": `["a,b","<c>",1.5]`, "org": `{"id":"acme","z":"1"}`, "org.id": "acme",
		"listlf": `["a\nb"]`,
		// These are as if they were not there.
		"none": "", "empty": "", "long": "", "lf": "", "nul": "", "tab": "", "next": "", "space": "", "end": "", "missing": "", "sub.id": "",
	} {
		for _, absent := range []string{"", "nobody"} {
			s := Compile(TraceOff, Rules{Claims: []Claimed{{"x-k", claim(t, name), absent}}}, []Rules{{}})
			text := want
			if text == "" {
				text = absent
			}
			if text != "" {
				text = "x-k: " + text + "\r\n"
			}
			if got := string(s.Append(nil, 0, nil, all)); got != text {
				t.Errorf("%s: %q, want %q", name, got, text)
			}
		}
	}
	s := Compile(TraceOff, Rules{Claims: []Claimed{{"x-a", claim(t, "sub"), ""}, {"x-b", claim(t, "sub"), "nobody"}}}, []Rules{{}})
	if got := string(s.Append(nil, 0, nil, nil)); got != "x-b: nobody\r\n" || !s.Claims() {
		t.Errorf("without a token: %q", got)
	}
}

// A header that stands for a claim is never the client's, whatever it is called and whether there is a claim.
func TestClaimsAreNotForged(t *testing.T) {
	client := head(t, "X-User: forged", "x-user: forged", "X_User: forged", "X-USER: forged", "X-Org_Id: forged", "X-Other: o")
	claims := []Claimed{{"x-user", claim(t, "sub"), ""}, {"x-org-id", claim(t, "org"), ""}}
	for _, c := range []struct {
		name     string
		all, own Rules
		claims   *scope.Claims
		want     string
	}{
		{"a claim", Rules{Propagate: []string{"*"}, Claims: claims}, Rules{}, verified(t, jwt.MapClaims{}), "X-Other: o|x-user: u1|"},
		{"none", Rules{Propagate: []string{"*"}, Claims: claims}, Rules{}, nil, "X-Other: o|"},
		{"passed on by the subgraph's rules", Rules{Claims: claims}, Rules{Propagate: []string{"x-user", "x*"}}, nil, "X-Other: o|"},
		{"of the subgraph alone", Rules{Propagate: []string{"x-*", "x_*"}}, Rules{Claims: claims}, nil, "X-Other: o|"},
		{"removed there", Rules{Propagate: []string{"*"}, Claims: claims}, Rules{Remove: []string{"x-user", "x-org-id", "x_user", "x-org_id"}}, verified(t, jwt.MapClaims{}), "X-Other: o|"},
		{"text in its place", Rules{Propagate: []string{"*"}, Claims: claims}, Rules{Insert: []Line{{"x-user", "ours"}}}, verified(t, jwt.MapClaims{}), "X-Other: o|x-user: ours|"},
		{"in place of text", Rules{Propagate: []string{"*"}, Insert: []Line{{"x-user", "ours"}}}, Rules{Claims: claims}, verified(t, jwt.MapClaims{"org": "a"}), "X-Other: o|x-user: u1|x-org-id: a|"},
	} {
		s := Compile(TraceForward, c.all, []Rules{c.own})
		if got := strings.ReplaceAll(string(s.Append(nil, 0, client, c.claims)), "\r\n", "|"); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestClaimsAllocateNothing(t *testing.T) {
	claims := verified(t, jwt.MapClaims{"roles": []any{"a", "b"}, "n": 1})
	s := Compile(TraceOff, Rules{Claims: []Claimed{{"a", claim(t, "sub"), ""}, {"b", claim(t, "roles"), ""}, {"c", claim(t, "n"), ""}}}, []Rules{{}})
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { dst = s.Append(dst[:0], 0, nil, claims) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
