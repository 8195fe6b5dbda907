package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/controlplane/api"
)

func newCommand(c *credentials) *cobra.Command {
	r := &remote{credentials: c}
	var spec api.CommandSpec
	var params []string
	cmd := &cobra.Command{
		Use:   "command KIND",
		Short: "Tell sidecars to do something for a while, or revoke that",
		Long: `Tell sidecars to do something for a while. A command is a lease: it ends by itself, on each sidecar's own clock, also when the
sidecar is cut off. It lives ` + api.DefaultTTL.String() + ` unless --ttl says otherwise, ` + api.MaxTTL.String() + ` at most.

  serve_stale        answer from stale entries without asking the upstream    [--operation]
  disable_operation  refuse an operation                                      --operation
  rate_limit         let so many through                                      --param per_second=N [--param burst=N] [--operation]
  set_ttl            keep answers for so long                                 --param ttl=30s [--operation]
  bypass_cache       neither read nor fill the cache                          [--operation]
  invalidate         forget entries, once                                     --param tags=A,B | types=T | prefixes=P | patterns=C* | operations=O | tenants=N
                                                                              or --param all=true --param confirm=all; [--param soft=true]

A list is separated by commas; \, is a comma inside an item. An interface or a union among types stands for its types, where a sidecar knows
the schema.`,
		Example: `  weir-control command serve_stale --operation Cities --ttl 10m --reason "upstream is slow"
  weir-control command rate_limit --operation Search --param per_second=50 --param burst=100
  weir-control command disable_operation --operation Export --observe
  weir-control command invalidate --param types=City --service geo
  weir-control command invalidate --param 'tags=list:City,Query.near(48\,2)'
  weir-control command revoke c17-9f3a2b41`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Kind = args[0]
			return issue(cmd, r, &spec, params)
		},
	}
	r.flags(cmd, "text, json")
	f := cmd.Flags()
	f.StringVar(&spec.Operation, "operation", "", "name of the operation, empty for all")
	f.StringVar(&spec.Service, "service", "", "for the sidecars of this service alone")
	f.StringVar(&spec.TTL, "ttl", api.DefaultTTL.String(), "how long it holds")
	f.StringArrayVar(&params, "param", nil, "parameter NAME=VALUE, may be repeated")
	f.BoolVar(&spec.Observe, "observe", false, "sidecars only report what they would do")
	f.StringVar(&spec.Reason, "reason", "", "why, for the audit trail and the sidecars' logs")
	cmd.AddCommand(newRevoke(c))
	return cmd
}

func issue(cmd *cobra.Command, r *remote, spec *api.CommandSpec, params []string) error {
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return fmt.Errorf("--param %q: write NAME=VALUE", p)
		}
		if _, twice := spec.Params[name]; twice {
			return fmt.Errorf("--param %s is given twice: lists are comma-separated", name)
		}
		if spec.Params == nil {
			spec.Params = make(map[string]string)
		}
		spec.Params[name] = value
	}
	if err := spec.Validate(); err != nil {
		return err
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	defer c.Close()
	issued, err := c.Command(cmd.Context(), *spec)
	if err != nil {
		return failure{err}
	}
	if r.output == "json" {
		return printJSON(cmd, issued)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s for %s until %s\n", issued.ID, issued.Kind, scopeName(issued.Service), issued.Expires.Local().Format(time.RFC3339))
	return err
}

func newRevoke(c *credentials) *cobra.Command {
	r := &remote{credentials: c}
	var reason string
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "End a command before its time",
		Example: "  weir-control get commands\n  weir-control command revoke c17-9f3a2b41",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.client()
			if err != nil {
				return err
			}
			defer c.Close()
			revoked, err := c.Revoke(cmd.Context(), args[0], reason)
			if err != nil {
				return failure{err}
			}
			if r.output == "json" {
				return printJSON(cmd, revoked)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s revoked\n", revoked.ID, revoked.Kind)
			return err
		},
	}
	r.flags(cmd, "text, json")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	return cmd
}
