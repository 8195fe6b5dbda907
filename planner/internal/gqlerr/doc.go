// Package gqlerr holds the error the planner reports to clients, shared by the face and its parts. It formats nothing for
// the wire and keeps no request text beyond the names it is given.
package gqlerr
