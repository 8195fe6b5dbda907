package wire

// credentials are the headers beside Authorization and Cookie by which clients prove who they are, or by which a proxy in front tells the
// origin who they are. An answer may be for that one alone, though no Vary says so.
var credentials = [...]string{
	"api-key", "apikey", "x-api-key", "x-apikey", "x-api-token", "x-auth", "x-auth-key", "x-auth-token", "x-access-token", "x-token", "x-id-token",
	"x-session", "x-session-id", "x-session-token", "x-jwt", "x-jwt-assertion", "x-authorization", "x-user", "x-user-id", "x-userid", "x-user-email",
	"x-user-role", "x-user-roles", "x-role", "x-roles", "x-tenant", "x-tenant-id", "x-org-id", "x-organization-id", "x-account-id", "x-customer-id",
	"x-remote-user", "remote-user", "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-access-token",
	"x-auth-request-user", "x-auth-request-email", "x-auth-request-groups", "x-auth-request-access-token", "x-authenticated-user",
	"x-authenticated-userid", "x-consumer-id", "x-consumer-username", "x-client-cert", "x-ssl-client-cert", "x-forwarded-client-cert",
	"x-amzn-oidc-data", "x-amzn-oidc-identity", "x-amzn-oidc-accesstoken", "x-goog-iap-jwt-assertion", "x-goog-authenticated-user-id",
	"x-goog-authenticated-user-email", "cf-access-jwt-assertion", "x-ms-client-principal", "x-ms-client-principal-id",
	"x-hasura-admin-secret", "x-hasura-role", "x-hasura-user-id", "x-shopify-access-token", "x-shopify-storefront-access-token",
}

// credentialsBy are those by length: of a header in a request few are compared.
var credentialsBy = func() (by [len("x-shopify-storefront-access-token") + 1][]string) {
	for _, c := range credentials {
		by[len(c)] = append(by[len(c)], c)
	}
	return by
}()

// IsCredential reports whether a request header of that name tells who the client is. Servers that make variables of headers cannot tell X_User
// from X-User, so the one counts as the other.
func IsCredential(name []byte) bool {
	if len(name) >= len(credentialsBy) {
		return false
	}
	last := name[len(name)-1] | 0x20
	for _, c := range credentialsBy[len(name)] {
		if c[len(c)-1] == last && equalDashed(name, c) {
			return true
		}
	}
	return false
}

// equalDashed is equalFold for which _ is -; the lengths are the same.
func equalDashed(b []byte, lower string) bool {
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case c == '_':
			c = '-'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
