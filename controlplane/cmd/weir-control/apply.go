package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/client"
)

const pollEvery = 100 * time.Millisecond

func newApply(c *credentials) *cobra.Command {
	r := &remote{credentials: c}
	var o client.ApplyOptions
	var file string
	var ifVersion uint64
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Store a configuration as the newest version and push it to sidecars",
		Long: `Store a configuration as the newest version and push it to sidecars.

Versions only go forward; to go back, apply the old document again. A sidecar that cannot use the new version says why and keeps the one before:
see "weir-control get sidecars", or use --wait.`,
		Example: `  weir-control apply -f policy.yaml
  weir-control apply -f policy.yaml --service orders --dry-run
  weir-control apply -f policy.yaml --wait 30s
  weir-control get config --version 7 | weir-control apply -f - --reason "back to 7"
  weir-control apply -f policy.yaml --if-version 8`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("if-version") {
				o.IfVersion = &ifVersion
			}
			return apply(cmd, r, file, o, wait)
		},
	}
	r.flags(cmd, "text, json")
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "the document (YAML), - for standard input")
	f.StringVar(&o.Service, "service", "", "for the sidecars of this service alone")
	f.BoolVar(&o.DryRun, "dry-run", false, "check and say what would be stored")
	f.Uint64Var(&ifVersion, "if-version", 0, "only when this is the current version; 0: only when there is none")
	f.Uint64Var(&o.Version, "version", 0, "version to give, higher than all before; for a server whose data was lost")
	f.StringVar(&o.Reason, "reason", "", "why, for the audit trail")
	f.DurationVar(&wait, "wait", 0, "wait so long for the connected sidecars to answer; exit 1 when one refuses or does not answer")
	return cmd
}

func apply(cmd *cobra.Command, r *remote, file string, o client.ApplyOptions, wait time.Duration) error {
	if file == "" {
		return errors.New("no document: give -f FILE, or -f - for standard input")
	}
	config, err := readDocument(cmd, file)
	if err != nil {
		return failure{err}
	}
	if err := api.CheckConfig(config); err != nil {
		return failure{fmt.Errorf("%s: %w", file, err)}
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	defer c.Close()
	doc, err := c.Apply(cmd.Context(), config, o)
	if err != nil {
		return failure{err}
	}
	if r.output == "json" {
		err = printJSON(cmd, doc)
	} else {
		verb := "stored"
		if doc.DryRun {
			verb = "would be stored"
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "version %d %s for %s (%d bytes, sha256 %.12s)\n", doc.Version, verb, scopeName(doc.Service), doc.Size, doc.Hash)
	}
	if err == nil && wait > 0 && !o.DryRun {
		err = await(cmd, c, doc.Version, wait)
	}
	if err != nil {
		return failure{err}
	}
	return nil
}

// readDocument reads one byte more than is allowed at most, so that the size is found too large.
func readDocument(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, api.MaxConfigBytes+1))
}

func scopeName(service string) string {
	if service == "" {
		return "all services"
	}
	return "service " + service
}

// await polls until every connected sidecar that should have the version answered.
func await(cmd *cobra.Command, c *client.Client, version uint64, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), wait)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var missing int
	for {
		sidecars, err := c.Sidecars(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			done := 0
			missing = 0
			for _, s := range sidecars {
				switch {
				case !s.Connected || s.Want != version:
				case s.Version == version:
					done++
				case s.Nack != nil && s.Nack.Version == version:
					return fmt.Errorf("%s/%s refused version %d: %s", s.Service, s.Instance, version, s.Nack.Reason)
				default:
					missing++
				}
			}
			if missing == 0 {
				// With --output json standard output holds one object.
				_, err := fmt.Fprintf(cmd.ErrOrStderr(), "version %d is in force on %d connected sidecars\n", version, done)
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d connected sidecars did not answer within %s: see `weir-control get sidecars`", missing, wait)
		case <-tick.C:
		}
	}
}
