package config

import (
	"encoding/json"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"
)

// hidden stands for a secret that is shown to nobody.
const hidden = "(hidden)"

// Redacted returns the configuration in force as YAML, without secrets.
func Redacted(f File) []byte {
	hide := func(s *string) {
		if *s != "" {
			*s = hidden
		}
	}
	hide(&f.RedisPassword)
	hide(&f.Token)
	hide(&f.Policy.Scope.Key)
	if f.Policy.Scope.JWT != nil {
		j := *f.Policy.Scope.JWT
		hide(&j.Secret)
		f.Policy.Scope.JWT = &j
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return []byte("# " + err.Error() + "\n")
	}
	return text
}

// Schema returns the JSON Schema of the configuration file.
func Schema() []byte {
	r := jsonschema.Reflector{DoNotReference: true, RequiredFromJSONSchemaTags: true}
	s := r.Reflect(&File{})
	s.Title = "Weir sidecar"
	s.Description = "Configuration of `weir run`."
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return []byte("{}")
	}
	return append(text, '\n')
}
