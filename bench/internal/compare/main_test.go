package compare

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/reference"
)

// TestMain lets the test program stand for weir-bench where a comparison starts it as a server or a spinner.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve-target" {
		if err := serveTarget(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == fleet.SpinCommand {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := fleet.Spin(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func serveTarget(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var cfg reference.Config
	f := pflag.NewFlagSet("serve-target", pflag.ContinueOnError)
	kind, network, listen := f.String("kind", "", ""), f.String("network", "tcp", ""), f.String("listen", "", "")
	f.IntVar(&cfg.Size, "size", 1024, "")
	f.StringVar(&cfg.Upstream, "upstream", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	cfg.Kind = reference.Kind(*kind)
	l, err := net.Listen(*network, *listen)
	if err != nil {
		return err
	}
	return cfg.Serve(ctx, l)
}
