package access

import (
	"net/http"
	"testing"
)

func TestTokensAreChecked(t *testing.T) {
	for name, tokens := range map[string][]Token{
		"none":          nil,
		"no admin":      {{"s", Sidecar, "sidecar-token"}},
		"short":         {{"a", Admin, "short"}},
		"space":         {{"a", Admin, "with a space"}},
		"role":          {{"a", "king", "long enough"}},
		"no name":       {{"", Admin, "long-enough"}},
		"name twice":    {{"a", Admin, "long-enough"}, {"a", Sidecar, "long-enough-2"}},
		"secret twice":  {{"a", Admin, "long-enough"}, {"b", Sidecar, "long-enough"}},
		"empty sidecar": {{"a", Admin, "long-enough"}, {"b", Sidecar, ""}},
	} {
		if _, err := New(tokens); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCheck(t *testing.T) {
	g, err := New([]Token{{"root", Admin, "admin-secret"}, {"mesh", Sidecar, "sidecar-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"":                       "",
		"Bearer":                 "",
		"Bearer ":                "",
		"Bearer admin-secre":     "",
		"Bearer admin-secret2":   "",
		"Basic admin-secret":     "",
		"admin-secret":           "",
		"Bearer admin-secret":    "root",
		"bearer sidecar-secret":  "mesh",
		"Bearer  sidecar-secret": "mesh",
	} {
		h := http.Header{}
		if header != "" {
			h.Set("Authorization", header)
		}
		who, ok := g.Check(h)
		if ok != (want != "") || ok && who.Name != want {
			t.Errorf("%q: %v, %v", header, who, ok)
		}
	}
}
