package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// inlineName is what results call the workload of a command line.
const inlineName = "command line"

// Inline makes a workload of one document, as the flags of a command give it. variables is a JSON object, or "" for none; its values may be generators, as in
// a file: {"id": {"zipf": {"n": 1000}}}. headers are written "Name: value".
func Inline(document, variables string, headers []string) (*Workload, error) {
	type operation struct {
		Document  string          `json:"document"`
		Variables json.RawMessage `json:"variables,omitempty"`
	}
	one := operation{Document: document}
	if variables != "" {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(variables), &object); err != nil {
			return nil, fmt.Errorf(`variables %.60q are no JSON object: %w; write for instance {"id": "1"}`, variables, err)
		}
		one.Variables = json.RawMessage(variables)
	}
	named := map[string]string{}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("header %.60q: write NAME: VALUE", h)
		}
		named[name] = strings.TrimSpace(value)
	}
	text, err := json.Marshal(map[string]any{"name": inlineName, "headers": named, "operations": []operation{one}}) // JSON is YAML
	if err != nil {
		return nil, err
	}
	return compile(inlineName, text, func(string) ([]byte, error) { return nil, errors.New("only a workload file may name other files") })
}
