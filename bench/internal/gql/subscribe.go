package gql

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
)

// Subscribe starts a subscription and calls emit with the response to each event, in order, until the source ends, ctx ends or emit says false. A query or
// mutation is executed and emitted once. The result is the refusal of a request that never began, else nil. No goroutine outlives the call but the source's.
func (e *Engine) Subscribe(ctx context.Context, r *Request, emit func(*Response) bool) *Response {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the source when emit said false
	x, op, refused := e.prepare(ctx, r)
	if refused != nil {
		return refused
	}
	if op.Operation != ast.Subscription {
		res := e.Execute(ctx, r)
		if res.Refused {
			return res
		}
		r.begun()
		emit(res)
		return nil
	}
	events, failed := x.source(op)
	if failed != nil {
		return failed
	}
	r.begun()
	for event := range events {
		x.errors, x.policy = nil, Policy{Hint: Hint{MaxAge: unset}}
		if !emit(x.run(e.schema.Subscription, op, event)) {
			return nil
		}
	}
	return nil
}

func (r *Request) begun() {
	if r.Begun != nil {
		r.Begun()
	}
}

// source starts the events of the operation's only root field (CreateSourceEventStream, specification 6.2.3.1).
func (x *execution) source(op *ast.OperationDefinition) (<-chan any, *Response) {
	groups := x.collect(x.e.schema.Subscription, op.SelectionSet, nil, nil)
	if len(groups) != 1 || isMeta(groups[0].fields[0].Name) {
		return nil, refuse("a subscription has exactly one root field", "GRAPHQL_VALIDATION_FAILED")
	}
	field := groups[0].fields[0]
	def := x.e.schema.Subscription.Fields.ForName(field.Name)
	at := &path{name: groups[0].name}
	args, err := x.arguments(def, field)
	if err == nil {
		var events <-chan any
		if events, err = x.e.sources[field.Name](x.ctx, &Call{Args: args}); err == nil {
			return events, nil
		}
	}
	x.fieldError(field, at, err)
	return nil, &Response{Refused: true, Errors: x.errors, Operation: rootField(op)}
}
