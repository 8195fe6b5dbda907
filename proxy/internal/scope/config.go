package scope

// Config says how to tell scopes; the zero value has no rule.
type Config struct {
	JWT     *JWT    `yaml:"jwt" json:"jwt,omitempty" jsonschema:"description=Verify a JSON Web Token in Authorization"`
	Issuers []JWT   `yaml:"issuers" json:"issuers,omitempty" jsonschema:"description=More rules like jwt; each needs an issuer of its own"`
	Header  *Header `yaml:"header" json:"header,omitempty" jsonschema:"description=Trust a header that a proxy in front has set and verified"`
	// IgnoreCookies says that cookies never change an answer.
	IgnoreCookies bool     `yaml:"ignore_cookies" json:"ignore_cookies,omitempty" jsonschema:"description=Cookies never change an answer"`
	IgnoreHeaders []string `yaml:"ignore_headers" json:"ignore_headers,omitempty" jsonschema:"description=Headers such as x-user-id that seem to tell who the client is and never change an answer"`
	// AuthorizedPublic applies section 3.5 of RFC 9111.
	AuthorizedPublic bool              `yaml:"authorized_public" json:"authorized_public,omitempty" jsonschema:"description=Without jwt: requests with Authorization share answers whose Cache-Control says public or s-maxage or must-revalidate"`
	Types            map[string]string `yaml:"types" json:"types,omitempty" jsonschema:"description=Class of the answers that hold a type (Order) or a field (Query.orders): public or tenant or roles or user; the narrowest of an operation counts"`
	Operations       map[string]string `yaml:"operations" json:"operations,omitempty" jsonschema:"description=Class that answers of an operation have at least: tenant or roles or user"`
	// Key is the secret of the hashes that stand for identities; sidecars that share a Redis need the same.
	Key string `yaml:"key" json:"key,omitempty" jsonschema:"description=Secret that identities are hashed with; the same for all sidecars of a service"`
}

// JWT is a rule for bearer tokens. Exactly one of Secret, PublicKeyFile, JWKSFile and JWKSURL gives the key. Claims are paths such as sub,
// realm_access.roles or "https://example.com/org".id.
type JWT struct {
	Algorithms    []string `yaml:"algorithms" json:"algorithms" jsonschema:"description=Accepted algorithms such as RS256"`
	Secret        string   `yaml:"secret" json:"secret,omitempty" jsonschema:"description=Key of HS256 to HS512"`
	PublicKeyFile string   `yaml:"public_key_file" json:"public_key_file,omitempty" jsonschema:"description=PEM file"`
	JWKSFile      string   `yaml:"jwks_file" json:"jwks_file,omitempty" jsonschema:"description=JSON Web Key Set"`
	JWKSURL       string   `yaml:"jwks_url" json:"jwks_url,omitempty" jsonschema:"description=JSON Web Key Set that is fetched and refreshed; https\\, or http of this machine"`
	JWKSCA        string   `yaml:"jwks_ca" json:"jwks_ca,omitempty" jsonschema:"description=PEM file with the authorities of jwks_url; default: those of the system"`
	JWKSRefresh   string   `yaml:"jwks_refresh" json:"jwks_refresh,omitempty" jsonschema:"description=How often jwks_url is fetched; default 5m. A token of an unknown key has it fetched earlier"`
	Issuer        string   `yaml:"issuer" json:"issuer,omitempty" jsonschema:"description=The token's iss must be this"`
	Audience      string   `yaml:"audience" json:"audience,omitempty" jsonschema:"description=The token's aud must hold this"`
	Leeway        string   `yaml:"leeway" json:"leeway,omitempty" jsonschema:"description=How far clocks may differ; default 0s"`
	Class         string   `yaml:"class" json:"class" jsonschema:"enum=user,enum=tenant,enum=roles,description=Class of answers for which types and operations name none"`
	Claim         string   `yaml:"claim" json:"claim" jsonschema:"description=Claim that is the identity of the class; for roles a list"`
	UserClaim     string   `yaml:"user_claim" json:"user_claim,omitempty" jsonschema:"description=Claim that is the user when class is another"`
	TenantClaim   string   `yaml:"tenant_claim" json:"tenant_claim,omitempty" jsonschema:"description=Claim that is the tenant; also in events"`
	RolesClaim    string   `yaml:"roles_claim" json:"roles_claim,omitempty" jsonschema:"description=Claim that holds the roles; absent means none"`
}

// Header is a rule for a trusted header.
type Header struct {
	Name      string   `yaml:"name" json:"name" jsonschema:"description=Of the header"`
	Class     string   `yaml:"class" json:"class" jsonschema:"enum=user,enum=tenant,enum=roles,description=Class of answers for which types and operations name none"`
	VouchedBy *Vouched `yaml:"vouched_by" json:"vouched_by,omitempty" jsonschema:"description=Whose word for the header counts; what is given here must all hold"`
}

// Vouched says who may set a trusted header: the proxy in front, known by its address, by a secret it sends, or both.
type Vouched struct {
	Networks     []string `yaml:"networks" json:"networks,omitempty" jsonschema:"description=Addresses of the proxy such as 10.1.0.0/16 or 127.0.0.1; unix for a unix socket"`
	SecretHeader string   `yaml:"secret_header" json:"secret_header,omitempty" jsonschema:"description=Header in which the proxy sends the secret"`
	Secret       string   `yaml:"secret" json:"secret,omitempty" jsonschema:"description=What that header must hold; at least 16 characters"`
}

// Clone returns a copy that shares no memory with c.
func (c Config) Clone() Config {
	if c.JWT != nil {
		j := c.JWT.clone()
		c.JWT = &j
	}
	issuers := c.Issuers
	c.Issuers = nil
	for _, j := range issuers {
		c.Issuers = append(c.Issuers, j.clone())
	}
	if c.Header != nil {
		h := *c.Header
		if h.VouchedBy != nil {
			v := *h.VouchedBy
			v.Networks = append([]string(nil), v.Networks...)
			h.VouchedBy = &v
		}
		c.Header = &h
	}
	c.IgnoreHeaders = append([]string(nil), c.IgnoreHeaders...)
	c.Types, c.Operations = cloneMap(c.Types), cloneMap(c.Operations)
	return c
}

func (j JWT) clone() JWT {
	j.Algorithms = append([]string(nil), j.Algorithms...)
	return j
}

func cloneMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// Secrets returns where the secrets are, to hide them.
func (c *Config) Secrets() []*string {
	list := []*string{&c.Key}
	if c.JWT != nil {
		list = append(list, &c.JWT.Secret)
	}
	for i := range c.Issuers {
		list = append(list, &c.Issuers[i].Secret)
	}
	if c.Header != nil && c.Header.VouchedBy != nil {
		list = append(list, &c.Header.VouchedBy.Secret)
	}
	return list
}

// Tells returns which classes the rules can tell.
func (c *Config) Tells() (known [Bypass]bool) {
	known[Public] = true
	note := func(name, claim string) {
		if class, ok := ParseClass(name); ok && claim != "" {
			known[class] = true
		}
	}
	for _, j := range c.tokens() {
		note(j.Class, j.Claim)
		note("user", j.UserClaim)
		note("tenant", j.TenantClaim)
		note("roles", j.RolesClaim)
	}
	if c.Header != nil {
		note(c.Header.Class, c.Header.Name)
	}
	return known
}

// VerifiesTokens reports whether there is a rule for bearer tokens.
func (c *Config) VerifiesTokens() bool { return len(c.tokens()) > 0 }

// tokens returns all token rules.
func (c *Config) tokens() []JWT {
	var list []JWT
	if c.JWT != nil {
		list = append(list, *c.JWT)
	}
	return append(list, c.Issuers...)
}

// RuleClass is the class of a rule, and of what credentials.
type RuleClass struct {
	Credentials string
	Class       Class
}

// Classes returns the classes of answers on which policy is silent, by credentials.
func (c *Config) Classes() (list []RuleClass) {
	if c.Header != nil {
		class, _ := ParseClass(c.Header.Class)
		list = append(list, RuleClass{"header " + c.Header.Name + " of the proxy in front", class})
	}
	for _, j := range c.tokens() {
		class, _ := ParseClass(j.Class)
		name := "a token"
		if j.Issuer != "" {
			name = "a token of " + j.Issuer
		}
		list = append(list, RuleClass{name, class})
	}
	if c.AuthorizedPublic {
		list = append(list, RuleClass{"Authorization, when the upstream says that it may be shared", Public})
	}
	return list
}
