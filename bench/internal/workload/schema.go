package workload

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema of a workload file, made of the Go types that it is read into.
func Schema() []byte {
	r := jsonschema.Reflector{ExpandedStruct: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(&File{})
	generator := r.Reflect(&generatorFile{})
	s.ID, s.Title = "", "Workload of weir-bench"
	for name, d := range generator.Definitions {
		s.Definitions[name] = d
	}
	one := uint64(1)
	alternative := &jsonschema.Schema{
		Type: "object", Properties: generator.Properties, AdditionalProperties: jsonschema.FalseSchema, MinProperties: &one, MaxProperties: &one,
		Description: "A generator: makes a value for each request",
	}
	if list, ok := alternative.Properties.Get("list"); ok { // a plain list is the short form
		alternative.Properties.Set("list", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "array"}, list}})
	}
	s.Definitions["Generator"] = alternative
	alternative.Properties.Set("constant", &jsonschema.Schema{Description: "A value as it is; nothing in it is replaced"})
	keys := make([]any, len(generatorKeys))
	for i, key := range generatorKeys {
		keys[i] = key
	}
	s.Definitions["Value"] = &jsonschema.Schema{
		Description: "A generator, or any value with ${variable} in its texts",
		If:          &jsonschema.Schema{Type: "object", MinProperties: &one, MaxProperties: &one, PropertyNames: &jsonschema.Schema{Enum: keys}},
		Then:        &jsonschema.Schema{Ref: "#/$defs/Generator"},
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("BUG: the schema of a workload cannot be written: " + err.Error())
	}
	return append(out, '\n')
}

// JSONSchema describes any value.
func (Value) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/Value"} }

// JSONSchema describes a mapping of any names.
func (Pairs) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Ref: "#/$defs/Value"}}
}

// JSONSchema describes both forms.
func (Statuses) JSONSchema() *jsonschema.Schema {
	status := &jsonschema.Schema{Type: "integer", Minimum: "100", Maximum: "599"}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{status, {Type: "array", Items: status}}}
}
