package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/reference"
)

func newBroker() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:     "broker",
		Short:   "Serve the Kafka protocol with Weir's topics, in memory",
		Long:    "Serve the Kafka protocol with Weir's topics until interrupted. Records are kept in memory: for development, not for production.",
		Example: "  weir-bench broker --listen 127.0.0.1:9092",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
	return cmd
}

// newReference is for compare, which starts it as processes of their own.
func newReference() *cobra.Command {
	var listen, kind, upstream string
	var size int
	cmd := &cobra.Command{
		Use:    "reference",
		Short:  "Serve as one of the servers Weir is measured against",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			return reference.Serve(cmd.Context(), l, reference.Kind(kind), size, upstream)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:0", "HOST:PORT")
	f.StringVar(&kind, "kind", string(reference.Constant), "const or minproxy")
	f.StringVar(&upstream, "upstream", "", "HOST:PORT behind minproxy")
	f.IntVar(&size, "size", 1<<10, "bytes of the constant answer")
	return cmd
}
