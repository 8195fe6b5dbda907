package join

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// joins are the versions of the join specification that are read.
var joins = []string{"v0.1", "v0.2", "v0.3", "v0.4", "v0.5"}

// understood are the features, other than join, that a supergraph may ask for and that are obeyed, or that bind nobody who executes it.
var understood = []string{"link", "core", "inaccessible", "tag", "context", "cost"}

// features refuses a supergraph that asks for what is not understood: the link specification (section 6) wants that of what is for EXECUTION or
// SECURITY, since an answer would be wrong, or somebody's who may not have it.
func (l *loader) features() {
	for _, list := range []ast.SchemaDefinitionList{l.doc.Schema, l.doc.SchemaExtension} {
		for _, d := range list {
			for _, link := range d.Directives {
				switch link.Name {
				case "link":
					l.feature(link, text(link, "url"))
				case "core":
					l.feature(link, text(link, "feature"))
				}
			}
		}
	}
}

func (l *loader) feature(link *ast.Directive, url string) {
	parts := strings.Split(strings.TrimSuffix(url, "/"), "/")
	if len(parts) < 2 {
		return
	}
	name, version := parts[len(parts)-2], parts[len(parts)-1]
	purpose := text(link, "for")
	switch {
	case name == "join" && !slices.Contains(joins, version):
		l.fail(link.Position, "@%s: the supergraph is composed with join %s; what is read is join %s to %s: compose it with another version",
			link.Name, version, joins[0], joins[len(joins)-1])
	case name == "join" || slices.Contains(understood, name):
	case slices.Contains(guards, name):
		l.guard(link, name, version)
	case purpose == "SECURITY":
		l.fail(link.Position, "@%s: the supergraph asks for %s %s to be enforced, which is not supported: it would be answered without that check", link.Name, name, version)
	case purpose == "EXECUTION":
		l.fail(link.Position, "@%s: the supergraph asks for %s %s, which is not supported", link.Name, name, version)
	}
}
