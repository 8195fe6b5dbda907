package admin

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// Every code in the source is documented, and every code that is documented for this listener is in the source.
func TestErrorsFileHasTheCodesOfThisListener(t *testing.T) {
	source := ""
	for _, name := range []string{"admin.go", "invalidate.go", "erase.go", "fleet.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	text, err := os.ReadFile("../../ERRORS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## The admin listener")
	if !ok {
		t.Fatal("proxy/ERRORS.md has no section of the admin listener")
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:fail\(ctx, fasthttp\.\w+, |"Weir-Error", )"([a-z_.]+)"`).FindAllStringSubmatch(source, -1) {
		used[m[1]] = true
	}
	general := map[string]bool{}
	for _, c := range codes.All() {
		general[c.String()] = true
	}
	for code := range used {
		if !general[code] && !strings.Contains(section, "| `"+code+"` |") {
			t.Errorf("%s is not in proxy/ERRORS.md", code)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(section, -1) {
		if !used[m[1]] {
			t.Errorf("proxy/ERRORS.md has %s, which is never answered", m[1])
		}
	}
	if len(used) < 8 {
		t.Errorf("only %d codes found in the source", len(used))
	}
}
