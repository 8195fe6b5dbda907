package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

func newBroker() *cobra.Command {
	var (
		listen string
		idle   bool
	)
	cmd := &cobra.Command{
		Use:     "broker",
		Short:   "Serve the Kafka protocol with Weir's topics, in memory",
		Long:    "Serve the Kafka protocol with Weir's topics until interrupted. Records are kept in memory: for development, not for production.",
		Example: "  weir-bench broker --listen 127.0.0.1:9092",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if idle {
				if err := fleet.GiveWay(); err != nil {
					return err
				}
			}
			b, err := broker.Listen(listen)
			if err != nil {
				return err
			}
			defer b.Close()
			fmt.Fprintf(cmd.OutOrStdout(), "broker on %s\n", strings.Join(b.Addresses(), ","))
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9092", "HOST:PORT; port 0 takes a free one")
	cmd.Flags().BoolVar(&idle, "idle", false, "run at idle priority: give way to a load generator on the same processor; events may wait")
	return cmd
}
