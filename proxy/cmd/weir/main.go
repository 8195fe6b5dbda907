package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // the first signal begins the drain; a second one then ends the process at once
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errTold is an error whose text was printed already.
var errTold = errors.New("told")

// usage is an error of how the command was called.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	c := root()
	c.SetArgs(args)
	c.SetIn(in)
	c.SetOut(out)
	c.SetErr(errs)
	err := c.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTold):
		return exitFailed
	case errors.As(err, new(usage)):
		fmt.Fprintf(errs, "weir: %v\nsee: weir --help\n", err)
		return exitUsage
	}
	fmt.Fprintln(errs, "weir:", err)
	return exitFailed
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "weir",
		Short: "GraphQL sidecar: relays, plans, caches, prices and scores a service's traffic",
		Long: `weir stands beside a GraphQL service. It relays every byte, plans and caches GraphQL operations in two tiers, prices each
request, scores it for anomalies, sends one event per operation to Kafka, and obeys a control plane.

Exit codes: 0 done, 1 refused or failed, 2 wrong use.`,
		Example: `  weir run --listen 127.0.0.1:4000 --upstream http://127.0.0.1:4001 --schema schema.graphql
  weir check -c weir.yaml
  weir plan --schema schema.graphql query.graphql
  weir invalidate --admin 127.0.0.1:9901 --tag City:5
  weir version`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage{fmt.Errorf("there is no command %q", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	c.AddCommand(runCommand(), checkCommand(), planCommand(), invalidateCommand(), versionCommand())
	return c
}

// noArgs and oneArg are cobra's checks as errors of use.
func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return usage{err}
	}
	return nil
}

func oneArg(c *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(c, args); err != nil {
		return usage{err}
	}
	return nil
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs, Example: "  weir version",
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "weir %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
