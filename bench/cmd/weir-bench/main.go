package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
)

// version is set by the linker.
var version = "dev"

// errFailed ends the program with 1 when what there is to say was said already.
var errFailed = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "weir-bench:", err)
		}
		stop()
		os.Exit(drive.ExitCode(err))
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "weir-bench",
		Short:         "Demonstrate, load and measure Weir",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return drive.Input(fmt.Errorf("unknown command %q; did you mean %s?", args[0], near[0]))
			}
			return drive.Input(fmt.Errorf("unknown command %q; weir-bench --help lists them", args[0]))
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newDemo(), newRun(), newReplay(), newCache(), newOrigin(), newBroker(), newCompare(), newReport(), newGrowth(), newSoak(), newCoherence(), newFull(), newProfile(), newServeTarget(), newSpin())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return drive.Input(err) })
	for _, cmd := range root.Commands() {
		args := cmd.Args
		if args == nil {
			args = cobra.NoArgs
		}
		cmd.Args = func(cmd *cobra.Command, given []string) error { return drive.Input(args(cmd, given)) }
	}
	return root
}

// home is the folder of this program: the others are beside it.
func home() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}
