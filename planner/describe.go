package planner

// Description is a plan for people: what `weir plan` and the admin listener print. Its JSON form is stable.
type Description struct {
	Operation   string               `json:"operation"` // "anonymous" when it has no name
	Kind        Kind                 `json:"kind"`
	Hash        string               `json:"hash"` // SHA-256 of Canonical, hexadecimal
	Canonical   string               `json:"canonical"`
	Schema      bool                 `json:"schema"` // made with a schema
	Valid       bool                 `json:"valid"`
	Errors      []DescribedError     `json:"errors,omitempty"`
	Measures    Measures             `json:"measures"`
	Limits      Limits               `json:"limits"`
	Violations  []Violation          `json:"violations,omitempty"`
	Introspects bool                 `json:"introspects"`
	Incremental bool                 `json:"incremental"`
	Cache       CachePolicy          `json:"cache"`
	Cost        DescribedCost        `json:"cost"`
	Tags        []string             `json:"tags,omitempty"` // known before the response; of a mutation: the types it may change
	Variables   []DescribedError     `json:"variableErrors,omitempty"`
	Fetches     *FetchPlan           `json:"fetches,omitempty"`    // of a supergraph
	FetchCosts  []DescribedFetchCost `json:"fetchCosts,omitempty"` // by step
	Unanswered  string               `json:"unanswered,omitempty"` // why the subgraphs cannot answer it
}

// DescribedError is an Error in the form of a GraphQL response.
type DescribedError struct {
	Message   string     `json:"message"`
	Code      string     `json:"code"`
	Locations []Location `json:"locations,omitempty"`
}

// DescribedCost is the cost for the variables given, or why there is none.
type DescribedCost struct {
	Type   float64 `json:"type"`
	Field  float64 `json:"field"`
	Points int64   `json:"points"`
	Reason string  `json:"reason,omitempty"`
}

// Describe tells all there is to know of a plan, with the raw JSON object of variables (nil: none) for cost and tags.
func (p *Plan) Describe(variables []byte) Description {
	var v Values
	var tags Tags
	d := Description{
		Operation: p.Label(), Kind: p.kind, Hash: p.hashHex, Canonical: p.canonical, Schema: p.schema != nil,
		Valid: p.analysed && len(p.errors) == 0, Errors: describeErrors(p.errors), Measures: p.measures, Limits: p.limits,
		Violations: p.violations, Introspects: p.introspects, Incremental: p.incremental, Cache: p.policy,
	}
	problems := p.Coerce(variables, &v)
	d.Variables = describeErrors(problems)
	switch {
	case p.schema == nil:
		d.Cost.Reason = "no schema is known"
	case !p.analysed && len(p.errors) == 0:
		d.Cost.Reason = "the document is too large"
	case !d.Valid:
		d.Cost.Reason = "the document is not valid"
	case len(problems) > 0:
		d.Cost.Reason = "the variables are not valid"
	default:
		c := p.Cost(&v)
		d.Cost = DescribedCost{Type: c.Type, Field: c.Field, Points: c.Points()}
	}
	if p.federated != nil && len(problems) == 0 {
		var err error
		if d.Fetches, err = p.FetchesInParts(&v, everything{}); err != nil {
			d.Unanswered = err.Error()
		} else if d.Valid {
			d.FetchCosts = p.describeFetchCosts(d.Fetches, &v)
		}
	}
	switch {
	case p.kind == KindMutation:
		p.AppendTypeTags(&tags)
	case len(problems) == 0:
		p.AppendQueryTags(&v, &tags)
	}
	for i := range tags.Len() {
		d.Tags = append(d.Tags, string(tags.At(i)))
	}
	return d
}

func describeErrors(errs []Error) []DescribedError {
	var out []DescribedError
	for _, e := range errs {
		out = append(out, DescribedError{e.Message, e.Code, e.Locations})
	}
	return out
}
