// Command weir-control is the control plane of Weir: it serves the sidecars' streams and an HTTP API, and it is the client of that API.
//
// Exit codes: 0 done, 1 refused or failed, 2 wrong use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/controlplane/api"
)

// version is set by the linker.
var version = "dev"

const (
	exitFailed = 1
	exitUsage  = 2
)

// failure is an error that is not wrong use.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(std.err, "weir-control:", message(err))
	if errors.As(err, new(failure)) {
		return exitFailed
	}
	fmt.Fprintln(std.err, "see: weir-control --help")
	return exitUsage
}

// message is the error with its code and cure when it has them.
func message(err error) string {
	var refused *api.Error
	if !errors.As(err, &refused) {
		return err.Error()
	}
	text := refused.Message + " [" + refused.Code + "]"
	if refused.Cure != "" {
		text += "\n  cure: " + refused.Cure
	}
	return text
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "weir-control",
		Short: "The control plane of Weir: configuration and commands for a fleet of sidecars",
		Long: `The control plane of Weir: configuration and commands for a fleet of sidecars.

"serve" runs the server; the other commands talk to a running one.

Exit codes: 0 done, 1 refused or failed, 2 wrong use.
Environment: WEIR_CONTROL_URL (for --server), WEIR_CONTROL_TOKEN (admin token), WEIR_SIDECAR_TOKEN (serve: token of sidecars).`,
		Example: `  export WEIR_CONTROL_TOKEN=$(openssl rand -hex 32)
  weir-control serve --data ./control-data &
  weir-control apply -f policy.yaml
  weir-control get sidecars
  weir-control command serve_stale --operation Cities --ttl 5m --reason "upstream is slow"`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	c := new(credentials)
	flags := root.PersistentFlags()
	flags.StringVar(&c.token, "token", "", "admin token (visible in the process list; better --token-file or WEIR_CONTROL_TOKEN)")
	flags.StringVar(&c.tokenFile, "token-file", "", "file with the admin token")
	root.AddCommand(newServe(c), newApply(c), newGet(c), newCommand(c), &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs, Example: "  weir-control version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "weir-control", version)
			return err
		},
	})
	return root
}
