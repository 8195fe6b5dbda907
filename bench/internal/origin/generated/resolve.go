package generated

import (
	"context"
	"fmt"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/builtin"
)

// TypeOf names the type of a value that a resolver gave.
func TypeOf(v any) string {
	if m, ok := v.(moment); ok {
		return "T" + strconv.Itoa(m.kind)
	}
	return ""
}

// nobody is an id that no entity has; it is not 0, which stands for every one.
const nobody = -1

func id(c *gql.Call) int64 {
	s, _ := c.Args["id"].(string)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || s != strconv.FormatInt(n, 10) { // "01" is nobody's id
		return nobody
	}
	return n
}

func first(c *gql.Call) (int, error) {
	n, _ := c.Args["first"].(int64)
	if n < 0 || n > maxList {
		return 0, builtin.InputError(fmt.Sprintf("first must be between 0 and %d, not %d", maxList, n))
	}
	return int(n), nil
}

func orNull(m moment, ok bool) (any, error) {
	if !ok {
		return nil, nil
	}
	return m, nil
}

// Resolvers resolve every field of the schema.
func (w *World) Resolvers() gql.Resolvers {
	parent := func(_ context.Context, c *gql.Call) (any, error) { return c.Parent, nil }
	query := map[string]gql.Resolver{
		"padding": builtin.Padding(w.Seed),
		"entity": func(_ context.Context, c *gql.Call) (any, error) {
			kind, _ := c.Args["type"].(int64)
			return orNull(w.now(int(kind), id(c)))
		},
	}
	mutation, subscription := map[string]gql.Resolver{}, map[string]gql.Resolver{"tick": parent}
	out := gql.Resolvers{"Query": query, "Mutation": mutation, "Subscription": subscription, "Tick": builtin.TickResolvers()}
	for k := range w.Types {
		name := strconv.Itoa(k)
		query["t"+name] = func(_ context.Context, c *gql.Call) (any, error) { return orNull(w.now(k, id(c))) }
		query["t"+name+"s"] = func(_ context.Context, c *gql.Call) (any, error) { return w.page(k, c) }
		mutation["bumpT"+name] = func(_ context.Context, c *gql.Call) (any, error) { return orNull(w.bump(k, id(c))) }
		subscription["t"+name+"Changed"] = parent
		out["T"+name] = w.fields(k)
	}
	return out
}

// page are the entities with the ids after "after".
func (w *World) page(kind int, c *gql.Call) (any, error) {
	n, err := first(c)
	after, _ := c.Args["after"].(int64)
	if err == nil && after < 0 {
		err = builtin.InputError(fmt.Sprintf("after must not be negative, not %d", after))
	}
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, n)
	for next := after + 1; len(out) < n && next <= int64(w.Entities); next++ {
		m, _ := w.now(kind, next)
		out = append(out, m)
	}
	return out, nil
}

func (w *World) fields(kind int) map[string]gql.Resolver {
	get := func(f func(m moment) any) gql.Resolver {
		return func(_ context.Context, c *gql.Call) (any, error) { return f(c.Parent.(moment)), nil }
	}
	out := map[string]gql.Resolver{
		"id":       get(func(m moment) any { return m.id }),
		"revision": get(func(m moment) any { return m.revision }),
		"one": func(_ context.Context, c *gql.Call) (any, error) {
			target, ok := w.One(kind, c.Parent.(moment).id)
			if !ok {
				return nil, nil
			}
			return orNull(w.now(w.Target(kind), target))
		},
		"many": func(_ context.Context, c *gql.Call) (any, error) {
			n, err := first(c)
			if err != nil {
				return nil, err
			}
			ids := w.Many(kind, c.Parent.(moment).id, n)
			list := make([]any, len(ids))
			for i, target := range ids {
				list[i], _ = w.now(w.Target(kind), target)
			}
			return list, nil
		},
	}
	for f := range w.Fields {
		out["f"+strconv.Itoa(f)] = get(func(m moment) any { return w.Value(kind, f, m.id, m.revision) })
	}
	return out
}

// Sources start the events of every subscription field.
func (w *World) Sources() map[string]gql.Source {
	out := map[string]gql.Source{"tick": builtin.Tick}
	for k := range w.Types {
		out[fmt.Sprintf("t%dChanged", k)] = func(ctx context.Context, c *gql.Call) (<-chan any, error) {
			if _, given := c.Args["id"].(string); given {
				return w.changes.Subscribe(ctx, topic(k, id(c))), nil
			}
			return w.changes.Subscribe(ctx, topic(k, 0)), nil // of every entity of the type
		}
	}
	return out
}
