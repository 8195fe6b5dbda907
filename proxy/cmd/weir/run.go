package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/proxy"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry"
)

// lastLines is how long the process waits at its end for whoever reads its log.
const lastLines = time.Second

func runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the sidecar until SIGTERM, then drain",
		Long: `run serves until SIGTERM or Ctrl-C. Then requests that have begun may finish within the drain time, and the events that are left
are sent; a second signal ends it at once. SIGHUP reads the configuration again: its policy takes effect, without a request lost, and a file that
is wrong changes nothing but a line of the log. Redis, Kafka and the control plane may be absent, at the start or later: traffic flows.`,
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
		signal.Ignore(syscall.SIGPIPE) // who reads the log may go; the traffic stays
		again := make(chan os.Signal, 1)
		signal.Notify(again, syscall.SIGHUP) // from here on: one that comes while the sidecar is made does not end it
		lines := telemetry.NewLines(c.ErrOrStderr())
		defer lines.Close(lastLines)
		logger, err := telemetry.NewLogger(static.File.Log.Level, static.File.Log.Format, lines)
		if err != nil {
			return err
		}
		tuneCollector()
		forgetStart()
		sidecar, err := proxy.New(proxy.Config{Static: static, Values: values, Logger: logger, LogDropped: lines.Dropped, Version: version})
		if err == nil {
			defer reloading(again, s, sidecar, logger)()
			err = sidecar.Run(c.Context())
		}
		if err != nil {
			fmt.Fprintln(lines, "weir:", err) // after the log's lines, and without a wait for their reader
			return errTold
		}
		return nil
	}
	return c
}

// reloading reads the configuration again on each signal, until the returned function is called.
func reloading(signals chan os.Signal, s *settings, sidecar *proxy.Sidecar, logger *slog.Logger) (end func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range signals {
			reload(s, sidecar, logger)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

func reload(s *settings, sidecar *proxy.Sidecar, logger *slog.Logger) {
	waits, err := sidecar.Reload(s.load)
	switch {
	case err != nil:
		logger.Warn("the configuration cannot be used; the one before stays in force", "file", s.file, "error", err)
	case len(waits) > 0:
		logger.Warn("the policy of the file is in force; other keys that have changed wait for a restart", "file", s.file, "keys", strings.Join(waits, ", "))
	default:
		logger.Info("the policy of the file is in force", "file", s.file)
	}
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
