package scope

// Class says who shares an answer.
type Class uint8

// Classes, from the widest on; of two that hold for one answer the greater counts. Bypass means: not to be cached at all.
const (
	Public Class = iota
	Tenant       // everybody of one tenant
	Roles        // everybody with the same set of roles, within one tenant where tenants are known
	User
	Bypass
)

var classNames = [...]string{"public", "tenant", "roles", "user", "bypass"}

// String returns the name used in configuration.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// ParseClass reads a class that an answer can have.
func ParseClass(name string) (Class, bool) {
	for c := Public; c < Bypass; c++ {
		if classNames[c] == name {
			return c, true
		}
	}
	return Bypass, false
}

// Reason says why a request has no scope.
type Reason uint8

// Reasons. NoIdentity is for an operation that needs a narrower class than the request's credentials prove.
const (
	None          Reason = iota
	Cookie               // cookies, and nothing says that they do not matter
	Authorization        // credentials of a kind that no rule is for
	Repeated             // a header that tells identities came more than once
	Unvouched            // such a header, from somebody whose word does not count
	Malformed            // no token, or one that is too long
	UnknownKey           // a token of a key that is not known
	Untrusted            // a wrong signature, algorithm, issuer, audience or time
	Expired
	NoClaim    // a good token without a claim that a rule needs
	Unread     // another header than these tells who the client is, and no rule reads it
	Busy       // too many tokens at once that were not seen before
	NoIdentity // see above
	Reasons    // their number
)

var reasonNames = [...]string{
	"", "cookie", "authorization", "repeated_header", "unvouched_header", "malformed_token", "unknown_key", "untrusted_token", "expired_token",
	"no_claim", "unread_header", "busy", "no_identity",
}

// String returns the reason as a metric label.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}

// Headers are the headers of a request; names are in lower case.
type Headers interface {
	Header(lower string) []byte
	Count(lower string) int
}

// Scope is what a request's credentials say. The zero value is a request without any.
type Scope struct {
	Class         Class // of an operation for which policy names none
	Reason        Reason
	Authenticated bool // the identity comes from a verified claim or a header that was vouched for
	// Explicit: the request has credentials that no rule reads, and policy lets it share what the upstream calls shareable in so many words
	// (RFC 9111, section 3.5).
	Explicit bool
	// Tenant names the tenant in events, TenantID is its keyed hash for tags; both are empty when no rule tells it.
	Tenant, TenantID string

	identity *identity // nil: none
}

// identity holds the keyed hashes of one verified identity. It is immutable.
type identity struct {
	ids   [User + 1][32]byte // by class
	known [User + 1]bool
}

func bypass(why Reason) Scope { return Scope{Class: Bypass, Reason: why} }

// ID returns the keyed hash that stands for the group of class c that the request belongs to; ok is false when the credentials do not tell
// it. Everybody belongs to Public, which has no hash.
func (s *Scope) ID(c Class) (id []byte, ok bool) {
	if c == Public {
		return nil, s.Class != Bypass
	}
	if s.identity == nil || c > User || !s.identity.known[c] {
		return nil, false
	}
	return s.identity.ids[c][:], true
}
