package scope

// Class says who shares an answer.
type Class uint8

// Classes, from the widest on. Bypass means: not to be cached at all.
const (
	Public Class = iota
	Roles        // everybody with the same set of roles
	Tenant
	User
	Bypass
)

var classNames = [...]string{"public", "roles", "tenant", "user", "bypass"}

// String returns the name used in configuration.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Headers are the headers of a request; names are in lower case.
type Headers interface {
	Header(lower string) []byte
	Count(lower string) int
}

// Scope is what a request's credentials say.
type Scope struct {
	Class         Class
	ID            [32]byte // HMAC-SHA-256 of the verified claim; zero for Public and Bypass
	Tenant        string   // for events; empty when no rule tells it
	Authenticated bool     // the scope comes from a verified claim or a trusted header
	Reason        string   // of Bypass, for people
}

func bypass(reason string) Scope { return Scope{Class: Bypass, Reason: reason} }

// Config says how to tell scopes; the zero value has no rule.
type Config struct {
	JWT    *JWT    `yaml:"jwt" json:"jwt,omitempty" jsonschema:"description=Verify a JSON Web Token in Authorization"`
	Header *Header `yaml:"header" json:"header,omitempty" jsonschema:"description=Trust a header that a proxy in front has set and verified"`
	// IgnoreCookies says that cookies never change an answer.
	IgnoreCookies bool `yaml:"ignore_cookies" json:"ignore_cookies,omitempty" jsonschema:"description=Cookies never change an answer"`
	// Key is the secret of the hashes that stand for identities; sidecars that share a Redis need the same.
	Key string `yaml:"key" json:"key,omitempty" jsonschema:"description=Secret that identities are hashed with; the same for all sidecars of a service"`
}

// JWT is a rule for bearer tokens. Exactly one of Secret, PublicKeyFile and JWKSFile or JWKSURL gives the key.
type JWT struct {
	Algorithms    []string `yaml:"algorithms" json:"algorithms" jsonschema:"description=Accepted algorithms such as RS256"`
	Secret        string   `yaml:"secret" json:"secret,omitempty" jsonschema:"description=Key of HS256 to HS512"`
	PublicKeyFile string   `yaml:"public_key_file" json:"public_key_file,omitempty" jsonschema:"description=PEM file"`
	JWKSFile      string   `yaml:"jwks_file" json:"jwks_file,omitempty" jsonschema:"description=JSON Web Key Set"`
	JWKSURL       string   `yaml:"jwks_url" json:"jwks_url,omitempty" jsonschema:"description=JSON Web Key Set that is fetched and refreshed"`
	Issuer        string   `yaml:"issuer" json:"issuer,omitempty"`
	Audience      string   `yaml:"audience" json:"audience,omitempty"`
	Class         string   `yaml:"class" json:"class" jsonschema:"enum=user,enum=tenant,enum=roles"`
	Claim         string   `yaml:"claim" json:"claim" jsonschema:"description=Claim that is the identity of the class; for roles a list"`
	TenantClaim   string   `yaml:"tenant_claim" json:"tenant_claim,omitempty" jsonschema:"description=Claim that is the tenant in events"`
}

// Header is a rule for a trusted header.
type Header struct {
	Name  string `yaml:"name" json:"name"`
	Class string `yaml:"class" json:"class" jsonschema:"enum=user,enum=tenant,enum=roles"`
}
