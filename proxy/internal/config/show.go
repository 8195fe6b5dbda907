package config

import (
	"encoding/json"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"
)

// hidden stands for a secret that is shown to nobody.
const hidden = "(hidden)"

// Redacted returns the configuration in force as YAML, without secrets.
func Redacted(f File) []byte {
	hide(&f.RedisPassword)
	hide(&f.RedisSentinelPassword)
	f.CacheEncryption.Keys = slices.Clone(f.CacheEncryption.Keys)
	for i := range f.CacheEncryption.Keys {
		hide(&f.CacheEncryption.Keys[i].Key)
	}
	if f.KafkaSASL != nil {
		user := *f.KafkaSASL
		hide(&user.Password)
		f.KafkaSASL = &user
	}
	hide(&f.Token)
	f.Supergraph.hideInserted()
	f.Policy = RedactedPolicy(f.Policy)
	text, err := yaml.Marshal(f)
	if err != nil {
		return []byte("# " + err.Error() + "\n")
	}
	return text
}

// RedactedPolicy returns a policy without secrets.
func RedactedPolicy(p Policy) Policy {
	p.Scope = p.Scope.Clone()
	for _, s := range p.Scope.Secrets() {
		hide(s)
	}
	return p
}

func hide(s *string) {
	if *s != "" {
		*s = hidden
	}
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
