package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/coherence"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

func newCoherence() *cobra.Command {
	cfg := coherence.Full()
	var short bool
	cmd := &cobra.Command{
		Use:   "coherence",
		Short: "A fleet on real redis-servers that are killed, frozen, replaced and cut off: no answer may be stale, or another user's",
		Long: `Start four sidecars before an origin whose entities change all the time, and several users that read and change them, while redis-server is killed,
frozen, slowed, replaced by an empty server and by a replica that lags, its stream trimmed, its clock moved, and one sidecar cut off from it; then the same on a
Cluster of three nodes while the slot of the log moves, and stands half moved; in one scene the origin's reads lag behind its writes. Every answer is compared with the mutations
acknowledged before it was asked for. At the end a fleet without a log, and one without hold-off, show that the test can fail.

` + coherence.Terms + `

Exit code 1 when an answer was stale or another user's, when a request failed, or when one of the last two fleets was not found stale. redis-server has to be
installed. The sidecar that is cut off stands in a network namespace, which takes root and iproute2. Where there can be none a relay closes its connections instead,
and the result says so; with --require-netns nothing is played then, and the exit code is 1.`,
		Example: `  weir-bench coherence
  weir-bench coherence --short
  sudo weir-bench coherence --require-netns`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := home()
			if err != nil {
				return err
			}
			if short {
				reads, grace, need := cfg.Reads, cfg.Grace, cfg.NeedSpace
				cfg = coherence.Short()
				cfg.NeedSpace = need
				if cmd.Flags().Changed("grace") {
					cfg.Grace = grace
				}
				if cmd.Flags().Changed("reads") {
					cfg.Reads = reads
				}
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			cfg.Out = cmd.ErrOrStderr()
			out, err := coherence.Run(cmd.Context(), cfg)
			if out == nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), out)
			for _, e := range out.Examples {
				fmt.Fprintln(cmd.OutOrStdout(), "  ", e)
			}
			switch {
			case err != nil:
				return err
			case !out.Pass():
				return errFailed
			}
			fmt.Fprintln(cmd.OutOrStdout(), "nothing stale, nothing of another user, no error added; fleets without a log and without hold-off are found stale")
			return nil
		},
	}
	f := cmd.Flags()
	f.Int64Var(&cfg.Reads, "reads", cfg.Reads, "play the scenes again until so many reads were compared")
	f.DurationVar(&cfg.Outage, "outage", cfg.Outage, "how long Redis is away; above 11 s the limit of a sidecar that is cut off is tested too")
	f.DurationVar(&cfg.Calm, "calm", cfg.Calm, "how long a scene without an outage takes")
	f.DurationVar(&cfg.Grace, "grace", coherence.Grace, "what other sidecars have to obey in; more on a machine that is busy with something else")
	f.BoolVar(&cfg.NeedSpace, "require-netns", false, "fail where no network namespace can be made for the sidecar that is cut off")
	f.BoolVar(&short, "short", false, "each scene for seconds: under a minute in all")
	return cmd
}
