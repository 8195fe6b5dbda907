package house

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// schemaWords are what the struct tags of configurations tell the JSON Schema.
var schemaWords = []string{"description", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format", "example", "required", "oneof_type"}

// schemaFaults are those of the jsonschema part of a struct tag, as it stands in the source. What stands behind a comma is a word of its own: a comma in a
// description that is not escaped cuts it.
func schemaFaults(literal string) (faults []string) {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return []string{err.Error()}
	}
	tag, ok := reflect.StructTag(text).Lookup("jsonschema")
	if !ok {
		return nil
	}
	const comma = "\x00"
	for item := range strings.SplitSeq(strings.ReplaceAll(tag, `\,`, comma), ",") {
		word, value, _ := strings.Cut(item, "=")
		switch {
		case tag == "-":
		case !slices.Contains(schemaWords, word):
			faults = append(faults, fmt.Sprintf(`the JSON Schema ends a text before %q; write \\, for a comma in it`, strings.TrimSpace(item)))
		case word == "description" && strings.TrimSpace(value) == "":
			faults = append(faults, "the description in the JSON Schema is empty")
		}
	}
	return faults
}

func TestFaultsOfSchemaTagsAreSeen(t *testing.T) {
	for literal, want := range map[string]int{
		"`yaml:\"a\"`": 0, "`jsonschema:\"-\"`": 0,
		"`jsonschema:\"enum=a,enum=b,description=One thing\\\\, and another,required\"`": 0,
		"`jsonschema:\"description=One thing, and another\"`":                            1,
		"`jsonschema:\"description=One, two, three\"`":                                   2,
		"`jsonschema:\"enum=a,description=\"`":                                           1,
	} {
		if got := schemaFaults(literal); len(got) != want {
			t.Errorf("%s: %q, want %d", literal, got, want)
		}
	}
}
