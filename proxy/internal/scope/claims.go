package scope

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a claim's path.
const (
	maxPath = 8
	maxName = 256
)

// parsePath splits the path of a claim at its dots. A name in double quotes may hold any character; a backslash keeps the next one.
func parsePath(text string) (path []string, err error) {
	if strings.Contains(text, "://") && !strings.Contains(text, `"`) {
		return nil, fmt.Errorf("%s holds a URL; put that name in double quotes, as in '\"https://example.com/org\".id'", text)
	}
	for rest := text; ; {
		var name string
		if name, rest, err = cutName(rest); err != nil {
			return nil, fmt.Errorf("%q is no path of a claim: %w", text, err)
		}
		if path = append(path, name); len(path) > maxPath {
			return nil, fmt.Errorf("%q has more than %d names; claims do not nest that deep", text, maxPath)
		}
		if rest == "" {
			return path, nil
		}
		rest = rest[1:] // the dot
	}
}

// CheckPath reports what is wrong with the path of a claim.
func CheckPath(text string) error {
	_, err := parsePath(text)
	return err
}

// cutName takes the first name off a path; rest is empty or begins with a dot.
func cutName(text string) (name, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		name, rest = text, ""
		if i := strings.IndexByte(text, '.'); i >= 0 {
			name, rest = text[:i], text[i:]
		}
		if strings.ContainsAny(name, `"\`) {
			return "", "", errors.New("quotes stand around a whole name")
		}
	} else {
		var b strings.Builder
		i, closed := 1, false
		for ; i < len(text) && !closed; i++ {
			switch c := text[i]; {
			case c == '"':
				closed = true
			case c == '\\' && i+1 < len(text):
				i++
				b.WriteByte(text[i])
			default:
				b.WriteByte(c)
			}
		}
		if name, rest = b.String(), text[i:]; !closed || rest != "" && rest[0] != '.' {
			return "", "", errors.New("quotes stand around a whole name")
		}
	}
	if name == "" || len(name) > maxName {
		return "", "", fmt.Errorf("a name has 1 to %d characters", maxName)
	}
	return name, rest, nil
}

// find follows a path into claims; nil when there is nothing.
func find(claims map[string]any, path []string) any {
	for i, name := range path {
		v := claims[name]
		if i == len(path)-1 {
			return v
		}
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		claims = inner
	}
	return nil
}

// text reads a claim that names one thing. Numbers are no names: they lose digits on their way through JSON.
func text(claim any) (string, bool) {
	s, ok := claim.(string)
	return s, ok && s != ""
}

// roles reads a claim that is a set of roles: a list of strings in any order, or one string, which is one role whatever it holds. No claim is
// the empty set.
func roles(claim any) ([]string, bool) {
	switch c := claim.(type) {
	case nil:
		return nil, true
	case string:
		return []string{c}, c != ""
	case []any:
		list := make([]string, 0, len(c))
		for _, e := range c {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		slices.Sort(list)
		return slices.Compact(list), true
	}
	return nil, false
}
