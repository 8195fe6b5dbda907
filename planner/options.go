package planner

import "github.com/weirproxy/weir/planner/internal/shape"

// Kind is the kind of an operation.
type Kind uint8

// The kinds. KindUnknown stands for a document whose operation could not be found.
const (
	KindUnknown Kind = iota
	KindQuery
	KindMutation
	KindSubscription
)

// String returns the keyword of the kind, "unknown" for KindUnknown.
func (k Kind) String() string {
	switch k {
	case KindQuery:
		return "query"
	case KindMutation:
		return "mutation"
	case KindSubscription:
		return "subscription"
	}
	return "unknown"
}

// MarshalText writes the kind as String does.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Options say how plans are built. The zero value is ready.
type Options struct {
	Limits Limits
	// DefaultMaxAge, in seconds, is what a root field or a field of composite type may be cached for when nothing says so.
	DefaultMaxAge int
	// MaxAges, in seconds, are what a type (Book) or a field (Query.books) may be cached for where the schema says nothing of it.
	MaxAges map[string]int
	// Shares say who may share answers that hold a type (Order) or a field (Query.orders), OperationShares who at the widest may share those
	// of an operation, by its name. Names are the client's to choose, so the latter only narrow.
	Shares          map[string]Share
	OperationShares map[string]Share
	Mutations       Mutations
	// InjectKeys asks for Injected.
	InjectKeys bool
	// MaxErrors bounds the errors of a plan; 0 stands for DefaultMaxErrors.
	MaxErrors int
}

// MutationPolicy says how much a mutation invalidates of what its answer names.
type MutationPolicy = shape.MutationPolicy

// Policies. An entity whose key is not known is invalidated with all of its type by each of them.
const (
	MutationList   = shape.MutationList   // the entity, and lists of its type
	MutationEntity = shape.MutationEntity // the entity
	MutationType   = shape.MutationType   // everything of its type
)

// Mutations says what mutations invalidate.
type Mutations struct {
	Policy MutationPolicy
	Fields map[string]MutationPolicy // by the name of the mutation
	// Types are changed by a mutation whatever its answer holds, by its name. An empty list says that nothing is, beside what the answer holds.
	Types map[string][]string
}

// DefaultMaxErrors is how many errors a plan keeps unless told otherwise.
const DefaultMaxErrors = 20

// Limits are the greatest values allowed to a document; 0 stands for the default of DefaultLimits. A document beyond a limit
// still gets a plan, with a Violation: what to do about it is the caller's to decide. Only a document with more tokens than
// allowed is not parsed, and one with too many selections in the fragments of too many operations is not validated.
type Limits struct {
	Tokens         int `json:"tokens"`
	Depth          int `json:"depth"`
	Aliases        int `json:"aliases"`
	RootFields     int `json:"rootFields"`
	Directives     int `json:"directives"`
	ExpandedFields int `json:"expandedFields"`
	// VariablesDepth is enforced by Coerce, which refuses variables whose JSON nests deeper.
	VariablesDepth int `json:"variablesDepth"`
}

// DefaultLimits returns the limits that zero values stand for.
func DefaultLimits() Limits {
	return Limits{Tokens: 10000, Depth: 50, Aliases: 200, RootFields: 100, Directives: 100, ExpandedFields: 20000, VariablesDepth: 32}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, p := range []struct{ value, fallback *int }{
		{&l.Tokens, &d.Tokens},
		{&l.Depth, &d.Depth},
		{&l.Aliases, &d.Aliases},
		{&l.RootFields, &d.RootFields},
		{&l.Directives, &d.Directives},
		{&l.ExpandedFields, &d.ExpandedFields},
		{&l.VariablesDepth, &d.VariablesDepth},
	} {
		if *p.value <= 0 {
			*p.value = *p.fallback
		}
	}
	return l
}

func (o Options) withDefaults() Options {
	o.Limits = o.Limits.withDefaults()
	if o.MaxErrors <= 0 {
		o.MaxErrors = DefaultMaxErrors
	}
	return o
}

// Measures are the measured values beside Limits. VariablesDepth belongs to a request and is 0 here. Fragments count as often as
// they are spread; very large numbers are cut off.
type Measures Limits

// Violation tells a limit that a document goes beyond.
type Violation struct {
	Limit string `json:"limit"` // tokens, depth, aliases, root_fields, directives or expanded_fields
	Value int    `json:"value"`
	Max   int    `json:"max"`
}

// expandedFields is the limit on fields with fragments written out. A document that is too large to be validated goes beyond it too.
const expandedFields = "expanded_fields"

// violations compares; the order is that of the fields of Limits.
func (m Measures) violations(l Limits) []Violation {
	var out []Violation
	for _, v := range []Violation{
		{"tokens", m.Tokens, l.Tokens},
		{"depth", m.Depth, l.Depth},
		{"aliases", m.Aliases, l.Aliases},
		{"root_fields", m.RootFields, l.RootFields},
		{"directives", m.Directives, l.Directives},
		{expandedFields, m.ExpandedFields, l.ExpandedFields},
	} {
		if v.Value > v.Max {
			out = append(out, v)
		}
	}
	return out
}
