package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/controlplane/client"
)

func newGet(c *credentials) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get WHAT",
		Short: "Show configurations, sidecars, commands or the audit trail",
		Example: `  weir-control get config > policy.yaml
  weir-control get config --service orders --version 7 -o json
  weir-control get versions
  weir-control get sidecars
  weir-control get commands -o json
  weir-control get audit --limit 20`,
	}
	cmd.AddCommand(newGetConfig(c))
	cmd.AddCommand(newList(c, "versions", "List the stored versions, newest first", func(cmd *cobra.Command, c *client.Client, o listOptions) (any, table, error) {
		list, err := c.Versions(cmd.Context(), o.service, o.limit)
		t := table{{"VERSION", "SERVICE", "STORED", "BY", "BYTES", "SHA256", "REASON"}}
		for _, d := range list {
			t.add(d.Version, all(d.Service), stamp(d.Stored), d.StoredBy, d.Size, fmt.Sprintf("%.12s", d.Hash), d.Reason)
		}
		return map[string]any{"versions": list}, t, err
	}))
	cmd.AddCommand(newList(c, "sidecars", "List what is known of sidecars", func(cmd *cobra.Command, c *client.Client, _ listOptions) (any, table, error) {
		list, err := c.Sidecars(cmd.Context())
		t := table{{"SERVICE", "INSTANCE", "CONNECTED", "SINCE", "VERSION", "WANT", "COMMANDS", "LAST NACK"}}
		for _, s := range list {
			nack := ""
			if s.Nack != nil {
				nack = fmt.Sprintf("version %d: %s", s.Nack.Version, s.Nack.Reason)
			}
			for _, r := range s.Refused {
				nack = strings.TrimPrefix(nack+"; command "+r.ID+": "+r.Reason, "; ")
			}
			t.add(s.Service, s.Instance, s.Connected, stamp(s.Since), s.Version, s.Want, s.Commands, nack)
		}
		return map[string]any{"sidecars": list}, t, err
	}))
	cmd.AddCommand(newList(c, "commands", "List the commands in force", func(cmd *cobra.Command, c *client.Client, _ listOptions) (any, table, error) {
		list, err := c.Commands(cmd.Context())
		t := table{{"ID", "KIND", "SERVICE", "OPERATION", "PARAMS", "EXPIRES IN", "OBSERVE", "ACCEPTED", "REFUSED", "REASON"}}
		for _, c := range list {
			var params []string
			for _, name := range slices.Sorted(maps.Keys(c.Params)) {
				params = append(params, name+"="+c.Params[name])
			}
			t.add(c.ID, c.Kind, all(c.Service), all(c.Operation), strings.Join(params, " "), time.Until(c.Expires).Round(time.Second), c.Observe, c.Accepted, c.Refused, c.Reason)
		}
		return map[string]any{"commands": list}, t, err
	}))
	cmd.AddCommand(newList(c, "audit", "List the newest writes: who, what, when, why", func(cmd *cobra.Command, c *client.Client, o listOptions) (any, table, error) {
		list, err := c.Audit(cmd.Context(), o.limit)
		t := table{{"AT", "TOKEN", "FOR", "ACTION", "OBJECT", "BEFORE", "AFTER", "REASON"}}
		for _, e := range list {
			t.add(stamp(e.At), e.Who, e.Claims, e.Action, e.Object, short(e.Before), short(e.After), e.Reason)
		}
		return map[string]any{"audit": list}, t, err
	}))
	return cmd
}

func newGetConfig(c *credentials) *cobra.Command {
	r := &remote{credentials: c}
	var service string
	var version uint64
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Print a configuration document",
		Example: "  weir-control get config > policy.yaml\n  weir-control get config --version 7 -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			defer c.Close()
			doc, err := c.Config(cmd.Context(), service, version)
			if err != nil {
				return failure{err}
			}
			if r.output == "json" {
				return printJSON(cmd, doc)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), doc.Config)
			return err
		},
	}
	r.flags(cmd, "text (the document as it was stored), json")
	cmd.Flags().StringVar(&service, "service", "", "of this service, empty for the one of all services")
	cmd.Flags().Uint64Var(&version, "version", 0, "version, 0 for the newest")
	return cmd
}

type listOptions struct {
	service string
	limit   int
}

// newList is a command that prints a list as a table or as JSON.
func newList(c *credentials, name, short string, read func(*cobra.Command, *client.Client, listOptions) (any, table, error)) *cobra.Command {
	r := &remote{credentials: c}
	var o listOptions
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Example: "  weir-control get " + name + "\n  weir-control get " + name + " -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			defer c.Close()
			list, t, err := read(cmd, c, o)
			if err != nil {
				return failure{err}
			}
			if r.output == "json" {
				return printJSON(cmd, list)
			}
			return t.print(cmd.OutOrStdout())
		},
	}
	r.flags(cmd, "text, json")
	if name == "versions" {
		cmd.Flags().StringVar(&o.service, "service", "", "of this service alone")
	}
	if name == "versions" || name == "audit" {
		cmd.Flags().IntVar(&o.limit, "limit", 50, "how many at most")
	}
	return cmd
}

func printJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return failure{err}
	}
	return nil
}

// table is rows of text, the first one the heads.
type table [][]string

func (t *table) add(cells ...any) {
	row := make([]string, 0, len(cells))
	for _, c := range cells {
		row = append(row, strings.Join(strings.Fields(fmt.Sprint(c)), " "))
	}
	*t = append(*t, row)
}

func (t table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range t {
		if _, err := fmt.Fprintln(tw, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func all(name string) string {
	if name == "" {
		return "*"
	}
	return name
}

func stamp(t time.Time) string { return t.Local().Format(time.DateTime) }

// short cuts hashes to what a person compares.
func short(s string) string {
	if len(s) == 64 {
		return s[:12]
	}
	return s
}
