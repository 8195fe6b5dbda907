// Package fetch holds the plan of a federated operation as data: which requests go to which subgraphs and when, what each
// is made of, where its answer goes, and how the client's answer is written from all of them.
//
// A Plan is immutable and shared by all requests: whoever holds one may read all of it and must write to none of it. It
// belongs to one operation of one document over one supergraph, with the variables of @skip and @include fixed: what they
// leave out is not in the plan at all, so nothing here is conditional but on the types of objects.
//
// # The objects of a request
//
// The answers of all fetches are merged into one tree of objects that starts at the root object. An object has a layout
// (Plan.Layouts), which numbers its slots, and a concrete type, which may be unknown (NoType) until an answer tells it. A
// slot is absent (no answer spoke of it), null, or a value: of a leaf slot (Slot.Layout < 0) JSON that is kept as it came,
// lists and objects of custom scalars included; of any other an object of that layout, or lists, nested to any depth, of
// such objects and nulls. An object starts with all slots absent and the type Layout.Type.
//
// # Merging an answer
//
// An Output says how a JSON object goes into an object: each Entry names a key and the slot for its value. Keys without an
// entry are ignored, so are keys that come twice after the first. For each value:
//   - null: the slot becomes null if it was absent, and stays what it is otherwise; null never overwrites.
//   - a leaf: it is put into an absent or null slot, and ignored where a value is already: the first answer counts.
//   - an object: an absent or null slot gets a new object of the slot's layout; the members are merged into the object that
//     is there, by Entry.Output.
//   - a list: an absent or null slot gets a list; an existing one is merged by index, element by element, by the rules above;
//     elements beyond its length are ignored.
//   - anything else (an object where there is a list, a number where an object belongs): as null, and worth an error.
//
// The entry of __typename (Entry.Slot == TypenameSlot) gives the object its type: the name is looked up by Plan.TypeOf. A
// type that is known already stays. A name that is not in the plan leaves the type unknown. Both may be asserted in
// tests only; a subgraph may be wrong.
//
// Different types of one abstract position share slots: which field of which type a slot holds follows from the object's
// type, and an answer never has two meanings for one key.
//
// # Order
//
// A step may start when all of Step.After are finished: answered and merged, failed, or found to have nothing to ask. A step
// whose predecessors failed is still tried: its representations tell whether there is anything to ask. Step.Next is After
// turned around, so that a counter per step, starting at len(After), is all a scheduler needs; steps do not wait for waves.
// In a mutation the order of the client's root fields is in After, too.
//
// # A request
//
// The body of a step is Prefix, then the members of "variables", separated by commas, then Suffix. The members are, for each
// of Lookups, the text `"<Variable>":[…]` with its representations, and for each of Variables that has a value after coercion
// `"<name>":<value>`. A variable that is absent is left out; one that is null is written as null. All steps but those of
// kind Entities have no Lookups. When a step has neither lookups nor variables, Prefix and Suffix together are the body.
//
// # Representations
//
// A lookup asks `<Alias>:_entities(representations:$<Variable>)` for objects that are found by its Targets. A target starts at
// the root object and follows Path: each element takes the value of a slot, goes into lists of any depth, skips null and absent,
// and keeps the objects whose type is in Types. At the end stand the objects to ask for; objects come in the order of the
// targets and, within one, in the order of lists. For each object Target.Representation (an index of Plan.Representations) is
// written as a JSON object. There is none for an object for which
//   - a field is absent, at any depth (the object was not answered in full; nothing can be asked), or
//   - a field with NonNull set is null (this has all fields of keys).
//
// Any other null is written as null. Objects whose representations are the same bytes are asked for once; the answer goes to all
// of them. A lookup without representations is sent as an empty list if another lookup of the step has some; if none has, the
// step is not sent and counts as finished.
//
// The answer is data.<Alias>, a list in the order of the representations. A null, or an element that is missing, changes
// nothing. An object is merged into each object that was asked for, by the Output of the target that found it. Targets of one
// lookup often have the same Output: then its objects are in the same layout, and what lies below may be shared between them
// instead of copied, since all that is ever merged into one is merged into the others with the same values.
//
// # Errors
//
// An error of a subgraph at path p of its answer lies at the path of the object(s) the answer was merged into, followed by p
// with each key replaced by the name of its slot (Slot.Name), where it is one of the client's (Slot.Client); from the first
// slot on that is not the client's, the rest is cut off.
//
// # The client's answer
//
// It is written by Projections[0] from the root object when all steps are finished; see Projection.
package fetch
