package scrape

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	m, err := Parse([]byte("# HELP a b\n# TYPE a counter\na 3\n\na_total{x=\"1\",y=\"a\\\"b,}\"} 2\na_total{x=\"2\"} 5e0 1700000000\nn{} NaN\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  float64
		ok    bool
		name  string
		pairs []string
	}{
		{3, true, "a", nil},
		{7, true, "a_total", nil},
		{2, true, "a_total", []string{"y", `a"b,}`}},
		{5, true, "a_total", []string{"x", "2"}},
		{0, false, "a_total", []string{"x", "3"}},
		{0, false, "nothing", nil},
	} {
		if got, ok := m.Sum(c.name, c.pairs...); got != c.want || ok != c.ok {
			t.Errorf("%s%v: %v %v, want %v %v", c.name, c.pairs, got, ok, c.want, c.ok)
		}
	}
	for _, broken := range []string{"a", "a{", "a{x=1} 2", "a{x=\"1\"", "a x", "a{x=\"1\"}"} {
		if _, err := Parse([]byte(broken)); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestBodyAndPost(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "not today", http.StatusTeapot)
		}
	}))
	defer s.Close()
	if _, err := Body(t.Context(), s.URL); err != nil {
		t.Error(err)
	}
	if _, err := Post(t.Context(), s.URL, nil); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("%v", err)
	}
}
