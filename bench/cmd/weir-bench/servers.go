package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/reference"
)

func newOrigin() *cobra.Command {
	var listen, schemaFile string
	var faults origin.Faults
	cmd := &cobra.Command{
		Use:   "origin",
		Short: "Serve GeoNames cities and countries as a GraphQL service",
		Long: `Serve GeoNames cities and countries as a GraphQL service at /graphql, with mutations, until interrupted.

Faults may be given here and changed while it runs: GET and PUT /_origin/faults. Counts by operation: GET /_origin/counters.`,
		Example: `  weir-bench origin --listen 127.0.0.1:4000 --write-schema schema.graphql
  weir-bench origin --listen 127.0.0.1:4000 --delay-ms 20 --error-rate 0.1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if faults.ErrorRate < 0 || faults.ErrorRate > 1 || faults.DelayMS < 0 {
				return fmt.Errorf("--error-rate is 0..1 and --delay-ms not negative")
			}
			if schemaFile != "" {
				if err := os.WriteFile(schemaFile, []byte(origin.Schema()), 0o644); err != nil {
					return err
				}
			}
			s, err := origin.New(listen)
			if err != nil {
				return err
			}
			s.SetFaults(faults)
			if err := s.Start(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "origin on %s/graphql\n", s.URL())
			<-cmd.Context().Done()
			return s.Stop()
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:4000", "HOST:PORT")
	f.StringVar(&schemaFile, "write-schema", "", "write the schema (SDL) to this file")
	f.IntVar(&faults.DelayMS, "delay-ms", 0, "wait before every answer")
	f.Float64Var(&faults.ErrorRate, "error-rate", 0, "share of requests answered 500, spread evenly")
	f.BoolVar(&faults.Down, "down", false, "close connections instead of answering")
	return cmd
}

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
