package line

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

func head(t *testing.T, lines string) *wire.ResponseHead {
	t.Helper()
	var h wire.ResponseHead
	if v := h.Parse([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"+lines+"\r\n"), 1<<16, wire.MethodPost); v != wire.OK {
		t.Fatalf("%q: %v", lines, v)
	}
	return &h
}

func joined(tags *planner.Tags) string {
	var list []string
	for i := range tags.Len() {
		list = append(list, string(tags.At(i)))
	}
	return strings.Join(list, "|")
}

func TestTagsOfTheUpstreamsHeaders(t *testing.T) {
	long := strings.Repeat("a", 33)
	for _, c := range []struct{ header, lines, want string }{
		{"surrogate-key", "Surrogate-Key: a  b,c\r\nSurrogate-Key: d\r\n", "a|b,c|d"},
		{"cache-tag", "Cache-Tag: a, b c ,,d\r\n", "a|b c|d"},
		{"x-tags", "X-Tags: a,b\r\n", "a|b"},
		{"cache-groups", `Cache-Groups: "a", "b, c";x;y="1;2" , "d\"\\"` + "\r\n" + `Cache-Groups: "e"` + "\r\n", `a|b, c|d"\|e`},
		{"cache-groups", "Cache-Groups: a, b\r\n", "refused"},
		{"cache-groups", `Cache-Groups: "a"b` + "\r\n", "refused"},
		{"cache-groups", `Cache-Groups: "a",` + "\r\n", "refused"},
		{"cache-groups", `Cache-Groups: "a` + "\r\n", "refused"},
		{"cache-groups", `Cache-Groups: "a";` + "\r\n", "refused"},
		{"cache-groups", `Cache-Groups: ""` + "\r\n", "refused"},
		{"surrogate-key", "Surrogate-Key: a " + long + "\r\n", "refused"},
		{"cache-tag", "Cache-Tag: " + long + "\r\n", "refused"},
		{"cache-groups", `Cache-Groups: "` + long + `"` + "\r\n", "refused"},
		{"cache-tag", "Cache-Tag: a,@op:b\r\n", "refused"},
	} {
		var tags planner.Tags
		got := "refused"
		if appendTagHeader(&tags, head(t, c.lines), c.header, 32) {
			got = joined(&tags)
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

func FuzzCacheGroups(f *testing.F) {
	f.Add([]byte(`"a", "b\"";q="\\";r, "c"`))
	f.Fuzz(func(t *testing.T, v []byte) {
		var tags planner.Tags
		if !appendGroups(&tags, v, 64) {
			return
		}
		if tags.Len() == 0 {
			t.Error("a list of nothing was read")
		}
		for i := range tags.Len() {
			if b := tags.At(i); len(b) == 0 || len(b) > 64 || b[0] == '@' {
				t.Errorf("%q is a tag", b)
			}
		}
	})
}
