package planner

import (
	"encoding/hex"
	"sync/atomic"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/cost"
	"github.com/weirproxy/weir/planner/internal/shape"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

// Plan is what is known of one operation of one document. But for what its answers teach it is immutable, and safe for concurrent use; slices it returns belong to
// it and must not be written to.
type Plan struct {
	schema *Schema
	kind   Kind
	name   string
	// analysed: the operation was found and could be checked, so the parts below that follow from it are there.
	analysed bool
	// failed: building it panicked.
	failed bool

	canonical string
	hash      [32]byte
	hashHex   string
	keyPart   [32]byte

	errors      []Error
	measures    Measures
	violations  []Violation
	policy      CachePolicy
	introspects bool
	incremental bool

	variables *coerce.Program // nil when the operation was not found
	limits    Limits
	shape     *shape.Shape
	formula   *cost.Formula // nil without a schema
	roots     []rootField
	mutation  mutation
	injected  *injection // nil: nothing to add
	federated *federated // nil without a supergraph, and when the operation is not valid

	fields []Field

	learnt atomic.Pointer[Learnt] // changes; all else does not
}

// Values holds the variables of one request after coercion, and the scratch for it. The zero value is ready; the caller owns and
// reuses it. Canonical is good until the next Coerce or Reset.
type Values = coerce.Values

// Tags is a list of cache tags in one buffer. The zero value is empty and ready; the caller owns and reuses it.
type Tags = taglist.List

// Cost is what an operation costs, in points.
type Cost = cost.Cost

// Facts is what a response says about itself. When Readable is false nothing else, and no tag, may be relied on.
type Facts = shape.Facts

// CachePolicy says how the answer of an operation may be cached, from the schema's @cacheControl hints, and from its @cacheTag where those
// could not find what the answer holds.
type CachePolicy struct {
	Cacheable bool `json:"cacheable"`
	MaxAge    int  `json:"maxAge"`  // seconds; 0 when not cacheable
	Private   bool `json:"private"` // only for the one who asked
	// Hinted: some hint of the schema concerns the operation. When false the schema says nothing about caching here, and what the
	// upstream's headers say may count instead.
	Hinted bool `json:"hinted"`
	// Reason tells a person what decided, and Path the response path of the field that did, "" when no field did.
	Reason string `json:"reason"`
	Path   string `json:"path,omitempty"`
	// Share is the widest group that may share the answer, by what the options say of types and fields, and ShareReason who says so. Given:
	// they say it of all that is selected. Otherwise the request's own rule counts, too, and Open names the first part they are silent on.
	Share       Share  `json:"share"`
	ShareReason string `json:"shareReason,omitempty"`
	Given       bool   `json:"given"`
	Open        string `json:"open,omitempty"`
}

// Kind returns the kind of the operation.
func (p *Plan) Kind() Kind { return p.kind }

// Name returns the operation's name, "" when it is anonymous.
func (p *Plan) Name() string { return p.name }

// Label returns the operation's name or "anonymous".
func (p *Plan) Label() string {
	if p.name == "" {
		return "anonymous"
	}
	return p.name
}

// Hash returns the SHA-256 of the canonical operation. It does not depend on the schema.
func (p *Plan) Hash() [32]byte { return p.hash }

// HashHex returns Hash in lower-case hexadecimal digits.
func (p *Plan) HashHex() string { return p.hashHex }

// Canonical returns the operation in the form that all documents of the same meaning share; of a document that was not parsed or not
// validated (see Limits), its text.
func (p *Plan) Canonical() string { return p.canonical }

// Errors returns what is wrong with the document; none means that it is valid. Without a schema only rules that need none are checked.
func (p *Plan) Errors() []Error { return p.errors }

// Measures returns the measured sizes. Of a document that was not parsed only Tokens is known, up to one more than the limit.
func (p *Plan) Measures() Measures { return p.measures }

// Violations returns the limits that the document goes beyond.
func (p *Plan) Violations() []Violation { return p.violations }

// HasSchema tells whether the plan was made with a schema.
func (p *Plan) HasSchema() bool { return p.schema != nil }

// Introspects tells whether __schema or __type is selected.
func (p *Plan) Introspects() bool { return p.introspects }

// Incremental tells whether @defer or @stream is used: the answer may come in parts.
func (p *Plan) Incremental() bool { return p.incremental }

// Field is a field of a type.
type Field struct{ Type, Name string }

// Fields returns what the operation selects, each field once, with the type it is selected on: an interface where it is. Introspection is not
// among them, and what @skip and @include may leave out is. Without a schema, and of an operation that is not valid, there are none.
func (p *Plan) Fields() []Field { return p.fields }

// Cache returns how the answer may be cached.
func (p *Plan) Cache() CachePolicy { return p.policy }

// Sharing returns what Cache says of who may share the answer.
func (p *Plan) Sharing() (share Share, given, private bool) {
	return p.policy.Share, p.policy.Given, p.policy.Private
}

// KeyPart returns 32 bytes that identify schema, operation kind and name, and canonical document.
func (p *Plan) KeyPart() []byte { return p.keyPart[:] }

// Coerce turns the raw JSON object of variables (nil: none) into the values the operation sees, and puts their canonical form into v. It
// returns nil on success, and then does not allocate once v's buffers grew. Without a schema values are not checked, and brought to
// canonical JSON only.
func (p *Plan) Coerce(variables []byte, v *Values) []Error {
	if p.variables == nil {
		return coerce.Opaque(variables, p.limits.VariablesDepth, v)
	}
	return p.variables.Run(variables, v)
}

// Cost evaluates the operation's cost for the variables that Coerce put into v. It does not allocate. Without a schema, and of an
// operation that is not valid, the cost is zero, which is 1 point.
func (p *Plan) Cost(v *Values) Cost {
	if p.formula == nil {
		return Cost{}
	}
	return p.formula.Evaluate(v)
}

func (p *Plan) identify(schema *Schema) {
	p.hash = sum("operation", p.canonical)
	p.hashHex = hex.EncodeToString(p.hash[:])
	var schemaHash [32]byte
	if schema != nil {
		schemaHash = schema.hash
	}
	p.keyPart = sum("key", string(schemaHash[:]), p.kind.String(), p.name, p.canonical)
}
