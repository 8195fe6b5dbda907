package shape

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/taglist"
)

func TestTagsOfTheAnswerItself(t *testing.T) {
	long := strings.Repeat("a", 33)
	for body, want := range map[string]string{
		`{"data":{}}`: "",
		`{"data":{},"extensions":{"apolloCacheTags":["a","b c"],"cacheTags":["d\u00e9"]}}`: "a|b c|d\u00e9",
		`{"extensions":{"cost":{"cacheTags":["x"]},"cacheTags":[]},"data":{}}`:             "",
		`{"data":{},"extensions":{"cacheTags":null}}`:                                      "",
		`{"data":{},"extensions":null}`:                                                    "",
		`{"data":{},"extensions":{"cacheTags":["a",5]}}`:                                   "refused",
		`{"data":{},"extensions":{"cacheTags":"a"}}`:                                       "refused",
		`{"data":{},"extensions":{"cacheTags":[""]}}`:                                      "refused",
		`{"data":{},"extensions":{"cacheTags":["@op:x"]}}`:                                 "refused",
		`{"data":{},"extensions":{"cacheTags":["` + long + `"]}}`:                          "refused",
		`{"data":{},"extensions":{"cacheTags":["a","b"],"apolloCacheTags":["c","d"]}}`:     "refused", // more than three
		`{"data":{},"extensions":{"cacheTags":["a"],"cacheTags":["b"]}}`:                   "refused",
		`{"data":{},"extensions":{"cacheT\u0061gs":["a"]}}`:                                "a",
	} {
		var tags taglist.List
		f := (&Shape{depth: DefaultDepth}).Walk([]byte(body), &tags)
		if !f.Readable {
			t.Errorf("%s is not readable", body)
		}
		tags.Reset()
		got := "refused"
		if f.AppendExtensionTags([]byte(body), &tags, 3, 32) {
			var list []string
			for i := range tags.Len() {
				list = append(list, string(tags.At(i)))
			}
			got = strings.Join(list, "|")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	var tags taglist.List
	if f := (&Shape{depth: DefaultDepth}).Walk([]byte(`{"data":{},"extensions":{},"extensions":{"cacheTags":["a"]}}`), &tags); f.Readable {
		t.Error("extensions given twice are readable")
	}
}

func FuzzTagsOfTheAnswerItself(f *testing.F) {
	f.Add([]byte(`{"data":{},"extensions":{"cacheTags":["a","\u0041"]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var tags taglist.List
		facts := (&Shape{depth: DefaultDepth}).Walk(body, &tags)
		tags.Reset()
		if !facts.Readable || !facts.AppendExtensionTags(body, &tags, 5, 16) {
			return
		}
		for i := range tags.Len() {
			if n := len(tags.At(i)); n == 0 || n > 16 || i > 4 {
				t.Errorf("tag %d has %d bytes", i, n)
			}
		}
	})
}
