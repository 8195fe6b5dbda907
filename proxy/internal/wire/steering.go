package wire

// steering are the headers by which servers and frameworks take another host, scheme, target or method than those of the request line and
// Host: an answer may depend on them though no Vary says so.
var steering = [...]string{
	"forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server",
	"x-forwarded-path", "x-forwarded-uri", "x-forwarded-ssl", "x-host", "x-original-host", "x-original-url", "x-original-uri", "x-rewrite-url",
	"x-http-method", "x-http-method-override", "x-method-override", "x-url-scheme",
}

// IsSteering reports whether a request header of that name may make the origin take another host, scheme, target or method.
func IsSteering(name []byte) bool {
	for _, s := range steering {
		if equalFold(name, s) {
			return true
		}
	}
	return false
}
