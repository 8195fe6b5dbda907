package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

func planCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan FILE.graphql",
		Short: "Print how the sidecar sees an operation: validity, sizes, cost, cache policy, tags",
		Long: `plan prints what the sidecar would know of an operation, with --supergraph also which subgraphs would be asked what, in which
order. FILE is a GraphQL document, - for standard input. Exit code 1: the document or the variables are not valid, a limit that is enforced is
exceeded, or the subgraphs cannot answer it.`,
		Example: `  weir plan --schema schema.graphql query.graphql
  weir plan --supergraph supergraph.graphql -o Shop queries.graphql
  weir plan -c weir.yaml -o City --variables '{"id": 5}' queries.graphql
  echo '{ city(id: 5) { name } }' | weir plan --schema schema.graphql --json -`,
		Args: oneArg,
	}
	s := addSettings(c)
	name := c.Flags().StringP("operation", "o", "", "name of the operation when the document has several")
	variables := c.Flags().String("variables", "", "JSON object of variables, for cost and tags")
	asJSON := c.Flags().Bool("json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		return plan(c, s, args[0], *name, *variables, *asJSON)
	}
	return c
}

func plan(c *cobra.Command, s *settings, file, name, variables string, asJSON bool) error {
	f, src, err := s.read()
	if err != nil {
		return tell(c, err)
	}
	values, err := config.CompilePolicy(f, src)
	if err != nil {
		return tell(c, s.blame(err))
	}
	document, err := readDocument(c.InOrStdin(), file)
	if err != nil {
		return err
	}
	schema, err := schemaOf(&f)
	if err != nil {
		return err
	}
	if variables != "" && !json.Valid([]byte(variables)) {
		return usage{fmt.Errorf("--variables is no JSON: %s", variables)}
	}
	p := planner.Build(schema, document, name, values.Plans.Options)
	d := p.Describe([]byte(variables))
	over := overBudget(&d, &f.Supergraph)
	if asJSON {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
	} else {
		printPlan(c.OutOrStdout(), &d, values, over)
	}
	if !d.Valid || len(d.Variables) > 0 || d.Unanswered != "" || enforced(&d, values) || len(over) > 0 && f.Supergraph.Budget.Mode == "enforce" {
		return errTold
	}
	return nil
}

// schemaOf reads the schema, or that of the supergraph; nil: none is given.
func schemaOf(f *config.File) (*planner.Schema, error) {
	key, name := "schema", f.Schema
	if f.Supergraph.File != "" {
		key, name = "supergraph", f.Supergraph.File
	}
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if key == "supergraph" {
		s, err := planner.LoadSupergraph(name, string(text), f.Supergraph.Labels...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		return s.Schema(), nil
	}
	s, err := planner.ParseSchema(name, string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return s, nil
}

func enforced(d *planner.Description, v *config.Values) bool {
	for _, x := range d.Violations {
		if v.Policy.LimitMode(x.Limit).String() == "enforce" {
			return true
		}
	}
	return false
}

func readDocument(stdin io.Reader, file string) (string, error) {
	if file == "-" {
		text, err := io.ReadAll(stdin)
		return string(text), err
	}
	text, err := os.ReadFile(file)
	return string(text), err
}

// printPlan writes a plan for a person.
func printPlan(w io.Writer, d *planner.Description, v *config.Values, over []string) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s "+format+"\n", append([]any{name}, args...)...)
	}
	row("operation", "%s %s", d.Kind, d.Operation)
	row("hash", "%s", d.Hash)
	switch {
	case d.Valid && d.Schema:
		row("valid", "yes, against the schema")
	case d.Valid:
		row("valid", "syntax only; no schema is given (--schema)")
	default:
		row("valid", "no")
	}
	for _, e := range append(d.Errors, d.Variables...) {
		at := ""
		if len(e.Locations) > 0 {
			at = fmt.Sprintf(" (line %d, column %d)", e.Locations[0].Line, e.Locations[0].Column)
		}
		row("  error", "%s [%s]%s", e.Message, e.Code, at)
	}
	m, l := d.Measures, d.Limits
	row("sizes", "tokens %d/%d, depth %d/%d, aliases %d/%d, root fields %d/%d, directives %d/%d, expanded fields %d/%d",
		m.Tokens, l.Tokens, m.Depth, l.Depth, m.Aliases, l.Aliases, m.RootFields, l.RootFields, m.Directives, l.Directives,
		m.ExpandedFields, l.ExpandedFields)
	for _, v := range d.Violations {
		row("  over", "%s is %d, the limit is %d", v.Limit, v.Value, v.Max)
	}
	if d.Cost.Reason != "" {
		row("cost", "unknown: %s", d.Cost.Reason)
	} else {
		row("cost", "%d points (types %g, fields %g)", d.Cost.Points, d.Cost.Type, d.Cost.Field)
	}
	if d.Fetches != nil || d.Unanswered != "" {
		row("cache", "no whole answers: what each fetch brings is kept by itself, as the subgraphs' Cache-Control says")
		printFetches(row, d)
		for _, text := range over {
			row("  over", "%s", text)
		}
	} else {
		printCache(row, d)
		printLife(row, d, &v.Policy.Cache)
		printScope(row, d, &v.Scope)
	}
	if len(d.Tags) > 0 {
		row("tags", "%s", strings.Join(d.Tags, ", "))
	}
	row("canonical", "%s", strings.ReplaceAll(strings.TrimSpace(d.Canonical), "\n", fmt.Sprintf("\n%-13s", "")))
}

func printCache(row func(name, format string, args ...any), d *planner.Description) {
	c := d.Cache
	at := ""
	if c.Path != "" {
		at = " at " + c.Path
	}
	switch {
	case c.Cacheable && c.Private:
		row("cache", "%d s, for one user: %s%s", c.MaxAge, c.Reason, at)
	case c.Cacheable:
		row("cache", "%d s: %s%s", c.MaxAge, c.Reason, at)
	case !c.Hinted && d.Kind == planner.KindQuery:
		row("cache", "as the upstream's Cache-Control says: %s%s", c.Reason, at)
	default:
		row("cache", "no: %s%s", c.Reason, at)
	}
}

// printFetches tells how the subgraphs of a supergraph are asked.
func printFetches(row func(name, format string, args ...any), d *planner.Description) {
	if d.Unanswered != "" {
		row("fetches", "none: %s", d.Unanswered)
	}
	if d.Fetches == nil {
		return
	}
	for _, text := range d.Fetches.Requirements {
		row("requires", "%s", text)
	}
	searched := ""
	if d.Fetches.Search.Exhausted {
		searched = "; the best found before the search ran out of work"
	}
	row("fetches", "%d in %d waves%s", len(d.Fetches.Steps), d.Fetches.Waves(), searched)
	for _, text := range strings.Split(strings.TrimSpace(d.Fetches.String()), "\n") {
		if text != "" {
			row("", "%s", text)
		}
	}
	var each []string
	for _, c := range d.FetchCosts {
		each = append(each, fmt.Sprintf("%d %s %d", c.Fetch+1, c.Subgraph, c.Points))
	}
	if len(each) > 0 {
		row("fetch costs", "%s points", strings.Join(each, ", "))
	}
}
