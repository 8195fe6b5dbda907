package planner

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/canon"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// InjectedPrefix begins the aliases of the fields that are added to operations. A request that has it anywhere is left as it is.
const InjectedPrefix = "__weir_"

const (
	injectedTypename = InjectedPrefix + "t"
	// maxInjectedTypes bounds the types of an interface or union whose keys are asked for.
	maxInjectedTypes = 32
)

// injection is an operation with the key fields of its entities, which it did not select.
type injection struct {
	text  string
	shape *shape.Shape
}

// Injected returns the operation with the key fields of its entities and, for interfaces and unions, the type's name, under aliases of our own
// where it does not select them; "" when there is nothing to add, or Options do not ask for it. Only queries get it.
func (p *Plan) Injected() string {
	if p.injected == nil {
		return ""
	}
	return p.injected.text
}

// InspectInjected is Inspect for the response to what Injected returned.
func (p *Plan) InspectInjected(body []byte, t *Tags) Facts { return p.injected.shape.Walk(body, t) }

// StripInjected appends the response to dst as it would have been without what was added; ok is false when it could not be read.
func (p *Plan) StripInjected(dst, body []byte) (_ []byte, ok bool) {
	return p.injected.shape.Strip(dst, body, InjectedPrefix)
}

// inject completes the operation. It changes the document, and so comes last.
func (b *builder) inject(p *Plan) {
	if !b.o.InjectKeys || b.schema == nil || p.kind != KindQuery || p.incremental || strings.Contains(b.document, InjectedPrefix) {
		return
	}
	i := injector{schema: b.schema.ast}
	i.under(b.op.SelectionSet)
	for _, f := range b.doc.Fragments {
		i.under(f.SelectionSet)
	}
	if !i.added {
		return
	}
	s := shape.Compile(b.schema.ast, b.op, b.doc.Fragments)
	if s.Broken() {
		return
	}
	p.injected = &injection{canon.Text(b.op, b.doc.Fragments), s}
}

type injector struct {
	schema *ast.Schema
	added  bool
}

// under completes the selections of all fields in a set.
func (i *injector) under(set ast.SelectionSet) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if len(s.SelectionSet) == 0 || strings.HasPrefix(s.Name, "__") || s.Definition == nil {
				continue
			}
			i.under(s.SelectionSet)
			i.complete(s)
		case *ast.InlineFragment:
			i.under(s.SelectionSet)
		}
	}
}

// complete adds the keys to the objects of a field, behind what it selects.
func (i *injector) complete(f *ast.Field) {
	d := i.schema.Types[f.Definition.Type.Name()]
	if d == nil {
		return
	}
	if d.Kind == ast.Object {
		if key := i.key(d); key != nil && !selects(f.SelectionSet, key.Name) {
			f.SelectionSet = append(f.SelectionSet, i.alias(key))
		}
		return
	}
	possible := i.schema.GetPossibleTypes(d)
	if d.Kind != ast.Interface && d.Kind != ast.Union || len(possible) > maxInjectedTypes {
		return
	}
	added := false
	for _, t := range possible {
		if key := i.key(t); key != nil {
			added = true
			f.SelectionSet = append(f.SelectionSet, &ast.InlineFragment{
				TypeCondition: t.Name, ObjectDefinition: t, SelectionSet: ast.SelectionSet{i.alias(key)},
			})
		}
	}
	if added {
		f.SelectionSet = append(f.SelectionSet, &ast.Field{Name: "__typename", Alias: injectedTypename})
	}
}

// key returns the field that identifies the objects of a type, nil when there is none that can be asked for.
func (i *injector) key(d *ast.Definition) *ast.FieldDefinition {
	f := d.Fields.ForName(shape.KeyField(d))
	if f == nil || f.Type.Elem != nil {
		return nil
	}
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			return nil
		}
	}
	if t := i.schema.Types[f.Type.Name()]; t == nil || t.Kind != ast.Scalar && t.Kind != ast.Enum {
		return nil
	}
	return f
}

// alias is the key field under an alias that only fields of its name and type share.
func (i *injector) alias(f *ast.FieldDefinition) *ast.Field {
	i.added = true
	name := InjectedPrefix + f.Name + "_" + f.Type.NamedType
	if f.Type.NonNull {
		name += "_"
	}
	return &ast.Field{Name: f.Name, Alias: name, Definition: f}
}

// selects tells whether a set asks for a field for sure.
func selects(set ast.SelectionSet, name string) bool {
	for _, sel := range set {
		if f, ok := sel.(*ast.Field); ok && f.Name == name && len(f.Directives) == 0 {
			return true
		}
	}
	return false
}

// AppendInjectedRequest appends a request's body with the injected operation in place of its document, or of the hash of a persisted one: what is
// sent is another document than the hash is of, so the hash goes. ok is false when it could be mixed up with what is already there.
func (p *Plan) AppendInjectedRequest(dst, body []byte) (_ []byte, ok bool) {
	start := jsonscan.Space(body, 0)
	if p.injected == nil || bytes.Contains(body, []byte(InjectedPrefix)) || jsonscan.KindAt(body, start) != jsonscan.Object || !jsonscan.Valid(body, envelopeDepth) {
		return dst, false
	}
	text, err := json.Marshal(p.injected.text)
	if err != nil {
		return dst, false
	}
	n, from, named, persisted := len(dst), 0, false, false
	for m := jsonscan.Open(body, start); m.Next(); {
		switch {
		case jsonscan.EqualKey(m.Key, m.Escaped, "query"):
			end, _ := jsonscan.Skip(body, m.Value, envelopeDepth)
			dst = append(append(dst, body[from:m.Value]...), text...)
			from, named = end, true
		case jsonscan.EqualKey(m.Key, m.Escaped, "extensions") && jsonscan.KindAt(body, m.Value) == jsonscan.Object:
			end, _ := jsonscan.Skip(body, m.Value, envelopeDepth)
			dst = append(dst, body[from:m.Value]...)
			dst, persisted = AppendUnpersisted(dst, body[m.Value:end])
			from = end
		}
	}
	if named {
		return append(dst, body[from:]...), true
	}
	if !persisted {
		return dst[:n], false
	}
	// There is another member: the extensions.
	rest := append(dst[n:len(dst):len(dst)], body[from:]...)[start+1:]
	return append(append(append(append(append(dst[:n], body[:start+1]...), `"query":`...), text...), ','), rest...), true
}

// AppendUnpersisted appends the extensions of a request without persistedQuery, and reports whether they had it. They are a valid object.
func AppendUnpersisted(dst, extensions []byte) (_ []byte, had bool) {
	dst = append(dst, '{')
	first := true
	for m := jsonscan.Open(extensions, jsonscan.Space(extensions, 0)); m.Next(); {
		if jsonscan.EqualKey(m.Key, m.Escaped, "persistedQuery") {
			had = true
			continue
		}
		end, _ := jsonscan.Skip(extensions, m.Value, envelopeDepth)
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(append(dst, '"'), m.Key...), `":`...), extensions[m.Value:end]...)
	}
	return append(dst, '}'), had
}
