package wire

// Verdict says what a head is.
type Verdict uint8

// Verdicts.
const (
	OK         Verdict = iota
	Incomplete         // more bytes are needed
	Refuse             // fasthttp's parser refuses it: 400
	Ambiguous          // parsers differ about such a head: splice its connection, or refuse it in strict mode
	TooLarge           // longer than the limit
)

// Framing says how a message's body ends.
type Framing uint8

// Framings.
const (
	NoBody     Framing = iota
	Length             // ContentLength bytes, at least one
	Chunked            // by chunks
	UntilClose         // by the end of the connection
	Tunnel             // no message: the connection switched protocols
)

// Method is a request method.
type Method uint8

// Methods. A name in other letters than these is MethodOther.
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodPatch
	MethodDelete
	MethodOptions
	MethodConnect
	MethodTrace
)

func methodOf(b []byte) Method {
	switch string(b) {
	case "GET":
		return MethodGet
	case "HEAD":
		return MethodHead
	case "POST":
		return MethodPost
	case "PUT":
		return MethodPut
	case "PATCH":
		return MethodPatch
	case "DELETE":
		return MethodDelete
	case "OPTIONS":
		return MethodOptions
	case "CONNECT":
		return MethodConnect
	case "TRACE":
		return MethodTrace
	}
	return MethodOther
}

// Codes of request heads that are not ordinary: stable, usable as metric labels.
const (
	CodeLeadingLine   = "wire.leading-empty-line"
	CodeRequestLine   = "wire.request-line"
	CodeMethod        = "wire.method-case"
	CodeTarget        = "wire.target"
	CodeVersion       = "wire.version"
	CodeLineEnd       = "wire.line-end"
	CodeFold          = "wire.folded-line"
	CodeName          = "wire.field-name"
	CodeValue         = "wire.field-value"
	CodeHost          = "wire.host"
	CodeContentLength = "wire.content-length"
	CodeCoding        = "wire.transfer-encoding"
	CodeBothLengths   = "wire.length-and-coding"
	CodeGetBody       = "wire.get-with-body"
	CodeConnection    = "wire.connection-names-framing"
	CodeTrailer       = "wire.trailer"
	CodeTooLarge      = "wire.head-too-large"
)
