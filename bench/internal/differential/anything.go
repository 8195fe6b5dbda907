package differential

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rawValues are what tables have of the scalar JSON; a router passes them on as they are.
var rawValues = []string{
	`12345678901234567890`, `-0`, `1.10`, `1e3`, `0.1e-7`, `true`, `"s"`, `"a\"b\\\u00e9\n"`, `""`, `[]`, `{}`, `[1,[2,null],"x"]`, `{"a":{"b":[{"c":1.0}]},"__typename":"X","id":null}`,
	`{"data":null,"errors":[{"path":["a"]}]}`, `[[]]`, `["}",{"{":"]"}]`,
}

// anything makes a value of the scalar JSON.
func (a *asker) anything(depth int) any {
	n := a.r.IntN(10)
	if depth > 2 {
		n %= 6
	}
	switch n {
	case 0:
		return json.Number(pick(a.r, []string{"0", "-17", "9007199254740993", "1234567890123456789"}))
	case 1:
		return json.Number(pick(a.r, []string{"1.10", "0.5", "2.5e3"}))
	case 2:
		return a.oneIn(2)
	case 3:
		if depth > 0 {
			return nil
		}
		return "null"
	case 4, 5:
		return pick(a.r, []string{"t", "é \"q\" \\", "a\nb\t", "", "$v1", "{}"})
	case 6, 7:
		list := []any{}
		for range a.r.IntN(3) {
			list = append(list, a.anything(depth+1))
		}
		return list
	}
	out := map[string]any{}
	for range a.r.IntN(3) {
		out[pick(a.r, []string{"a", "b", "id", "type", "__typename"})] = a.anything(depth + 1)
	}
	return out
}

// writeAny writes a value of the scalar JSON as a literal, in which there may be variables.
func (a *asker) writeAny(v any) string {
	switch x := v.(type) {
	case []any:
		parts := make([]string, len(x))
		for i := range x {
			parts[i] = a.writeAny(x[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if a.oneIn(6) {
				parts = append(parts, k+": $"+a.variable(pick(a.r, []string{"Int", "JSON", "[Color!]"})))
				continue
			}
			parts = append(parts, k+": "+a.writeAny(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case json.Number: // a server that reads literals as numbers knows no other forms of them
		if _, err := x.Int64(); err != nil {
			f, _ := x.Float64()
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
		return x.String()
	case string:
		return strconv.Quote(x)
	}
	shown, _ := json.Marshal(v)
	return string(shown)
}
