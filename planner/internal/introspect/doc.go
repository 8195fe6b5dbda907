// Package introspect answers __schema and __type from a schema. The answers depend on the document alone, so they are part of a plan.
package introspect
