// Command weir is the sidecar.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errTold) {
			fmt.Fprintln(os.Stderr, "weir:", err)
		}
		stop()
		os.Exit(1)
	}
}

// errTold is an error whose text was printed already.
var errTold = errors.New("told")

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "weir",
		Short: "GraphQL sidecar: relays, plans, caches, prices and scores a service's traffic",
		Long: `weir stands beside a GraphQL service. It relays every byte, plans and caches GraphQL operations in two tiers, prices each
request, scores it for anomalies, sends one event per operation to Kafka, and obeys a control plane.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	c.AddCommand(runCommand(), checkCommand(), planCommand(), versionCommand())
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(c *cobra.Command, _ []string) {
		fmt.Fprintln(c.OutOrStdout(), "weir", version)
	}}
}
