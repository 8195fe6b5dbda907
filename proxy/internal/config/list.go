package config

import (
	"strings"

	"github.com/invopop/jsonschema"
)

// List is a list of addresses: a YAML sequence, or one string with commas as on the command line.
type List []string

// UnmarshalYAML reads both forms.
func (l *List) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		*l = SplitList(text)
		return nil
	}
	var list []string
	if err := unmarshal(&list); err != nil {
		return err
	}
	*l = list
	return nil
}

// SplitList splits at commas; empty text is an empty list.
func SplitList(text string) List {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// JSONSchema describes both forms.
func (List) JSONSchema() *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{text, {Type: "array", Items: text}}}
}
