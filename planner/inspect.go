package planner

// AppendTypeTags appends the tag of every object type that the response could hold, and of those that options say a mutation changes; of every type of the schema, when the operation is
// not known or not valid. It is what a mutation whose answer could not be read has to invalidate.
func (p *Plan) AppendTypeTags(t *Tags) {
	if p.schema != nil && (!p.analysed || len(p.errors) > 0) {
		for _, name := range p.schema.objects {
			t.AppendString(name)
		}
		return
	}
	p.shape.AppendTypes(t)
	for _, name := range p.mutation.types {
		t.AppendString(name)
	}
}

// Inspect reads a query's response in one walk and appends its tags (see AppendQueryTags for those that do not depend on the response).
// It does not allocate once t's buffers grew. Without a schema it tells facts only.
func (p *Plan) Inspect(body []byte, t *Tags) Facts { return p.shape.Walk(body, t) }

// InspectMutation reads a mutation's response in one walk and appends the tags it invalidates. When the response cannot be read, or the
// operation is not one the schema knows, these are the tags of AppendTypeTags: anything may have changed.
func (p *Plan) InspectMutation(body []byte, t *Tags) Facts {
	f := p.shape.WalkMutation(body, t)
	if !f.Readable || !p.analysed || len(p.errors) > 0 {
		p.AppendTypeTags(t)
		f.Unnamed = p.mutation.unnamed
	}
	if p.schema == nil {
		f.Unnamed = !f.Readable || f.HasData
	}
	return f
}
