package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/proxy"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry"
)

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the sidecar until SIGTERM, then drain",
		Long: `run serves until SIGTERM or Ctrl-C. Then requests that have begun may finish within the drain time, and the events that are left
are sent; a second signal ends it at once. Redis, Kafka and the control plane may be absent, at the start or later: traffic flows.`,
		Example: `  # beside a service on port 4001, clients connect to 4000
  weir run --upstream http://127.0.0.1:4001

  # with a schema, a shared cache and events
  weir run --upstream http://127.0.0.1:4001 --schema schema.graphql --redis 127.0.0.1:6379 --kafka 127.0.0.1:9092

  # from a file
  weir run -c weir.yaml`,
		Args: noArgs,
	}
	s := addSettings(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		static, values, err := s.load()
		if err != nil {
			return tell(c, err)
		}
		logger, err := telemetry.NewLogger(static.File.Log.Level, static.File.Log.Format, c.ErrOrStderr())
		if err != nil {
			return err
		}
		tuneCollector()
		forgetStart()
		sidecar, err := proxy.New(proxy.Config{Static: static, Values: values, Logger: logger, Version: version})
		if err != nil {
			return err
		}
		return sidecar.Run(c.Context())
	}
	return c
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Validate a configuration and print what holds, without secrets",
		Example: `  weir check -c weir.yaml
  weir check --supergraph supergraph.graphql
  weir check --schema-of-config > weir.schema.json`,
		Args: noArgs,
	}
	s := addSettings(c)
	schema := c.Flags().Bool("schema-of-config", false, "print the JSON Schema of the configuration file")
	quiet := c.Flags().BoolP("quiet", "q", false, "print problems and warnings only")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *schema {
			_, err := c.OutOrStdout().Write(config.Schema())
			return err
		}
		static, values, err := s.load()
		if err != nil {
			return tell(c, err)
		}
		warnings, err := proxy.Check(proxy.Config{Static: static, Values: values, Version: version})
		if err != nil {
			return tell(c, err)
		}
		for _, w := range warnings {
			fmt.Fprintln(c.ErrOrStderr(), "warning:", w)
		}
		if !*quiet {
			_, err = c.OutOrStdout().Write(config.Redacted(static.File))
		}
		return err
	}
	return c
}
