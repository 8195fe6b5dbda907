package planner

import "github.com/weirproxy/weir/planner/internal/join"

// Rights is what a caller was verified to have. It is asked only about what an operation needs.
type Rights interface {
	Authenticated() bool
	Scope(name string) bool
	Policy(name string) bool
}

// everything is for tools, which show what could be asked for.
type everything struct{}

func (everything) Authenticated() bool { return true }
func (everything) Scope(string) bool   { return true }
func (everything) Policy(string) bool  { return true }

// met tells whether somebody with rights, nil for none, meets a requirement. Only who is authenticated has scopes or policies at all.
func met(q *join.Requirement, rights Rights) bool {
	if rights == nil || !rights.Authenticated() {
		return false
	}
	return (q.Scopes == nil || one(q.Scopes, rights.Scope)) && (q.Policies == nil || one(q.Policies, rights.Policy))
}

// one tells whether somebody has all of one list.
func one(of [][]string, has func(string) bool) bool {
next:
	for _, list := range of {
		for _, name := range list {
			if !has(name) {
				continue next
			}
		}
		return true
	}
	return false
}
