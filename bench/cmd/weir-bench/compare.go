package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/compare"
	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/reference"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/targets"
)

// compareFlags are the flags of compare.
type compareFlags struct {
	cfg                                   compare.Config
	quick, asJSON, gate, list, installNPM bool
	targets, out, show                    string
	slack                                 float64
	peers                                 []string
	instances, rounds                     int
	piece                                 time.Duration
}

const noPeers = "none"

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure Weir beside reference servers and other people's",
		Long: `Measure processor time per request of Weir beside a bare fasthttp constant server, a minimal fasthttp proxy, a plain TCP relay, and those
of nginx, HAProxy, Varnish, Envoy, Caddy, Hive Gateway and Apollo Server that are installed. What is not installed is named with the line
that installs it.

Servers are pinned to the second processor, load and upstream to the first. A reference and what is divided by it follow each other in
pieces of a second, in shuffled order; every instance has fresh processes. Ratios count, absolute figures depend on the machine. Two
processors without other work are needed. Ctrl-C prints what was measured until then.`,
		Example: `  weir-bench compare --quick                       # rows 1, 2, 3, 5 and 7 in under two minutes
  weir-bench compare --gate --out compare.json     # everything; exit 1 when a gate is missed
  weir-bench compare --rows 4 --peers nginx-cache,varnish
  weir-bench compare --list                        # what can be measured, and what is missing here
  weir-bench compare --install-npm                 # fetch Hive Gateway and Apollo Server, then end
  weir-bench compare --show nginx-cache            # a target file, for one of your own
  weir-bench compare --targets ./my-servers        # with target files of your own beside the built-in ones`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.quick, "quick", false, "rows 1, 2, 3, 5 and 7 without other people's servers, 3 instances, short pieces")
	fl.StringSliceVar(&f.cfg.Rows, "rows", nil, "numbers of rows to measure, by commas (default all)")
	fl.StringSliceVar(&f.peers, "peers", nil, "other people's servers to measure, by commas, or none (default all that are installed)")
	fl.IntVar(&f.instances, "instances", 7, "of every process; 3 with --quick")
	fl.IntVar(&f.rounds, "rounds", 3, "for each instance")
	fl.DurationVar(&f.piece, "piece", time.Second, "length of one measurement; 500ms with --quick")
	fl.Int64Var(&f.cfg.HeapRequests, "heap-requests", 0, "of row 7, for each server (default a million; 100,000 with --quick)")
	fl.Uint64Var(&f.cfg.Seed, "seed", 1, "of the order and the load")
	fl.BoolVar(&f.cfg.Syscalls, "syscalls", false, "count system calls per request too, with strace")
	fl.StringVar(&f.targets, "targets", "", "folder with target files of your own; one with the name of a built-in one replaces it")
	fl.StringVar(&f.out, "out", "", "write the result to this file, for weir-bench report")
	fl.BoolVar(&f.asJSON, "json", false, "print the result file instead of a table")
	fl.BoolVar(&f.gate, "gate", false, "exit 1 when a gate is missed")
	fl.Float64Var(&f.slack, "slack", 0, "share of a gate by which --gate lets a value lie above it (default 0; 0.25 with --quick)")
	fl.BoolVar(&f.list, "list", false, "list the servers that can be measured, then end")
	fl.StringVar(&f.show, "show", "", "print the target file of this name, for a file of your own, then end")
	fl.BoolVar(&f.installNPM, "install-npm", false, "install the npm packages of servers on Node into the user's cache folder, then end")
	return cmd
}

func (f *compareFlags) run(cmd *cobra.Command) error {
	if err := f.complete(cmd); err != nil {
		return err
	}
	switch {
	case f.installNPM:
		fmt.Fprintf(cmd.ErrOrStderr(), "installing into %s; this takes a minute or two\n", f.cfg.NPM)
		return peer.InstallNPM(cmd.Context(), f.cfg.NPM, targets.Files, cmd.ErrOrStderr())
	case f.show != "":
		return f.writeSource(cmd.OutOrStdout())
	case f.list:
		return f.writeList(cmd.Context(), cmd.OutOrStdout())
	}
	started := time.Now()
	measured, warnings, err := compare.Run(cmd.Context(), f.cfg)
	if measured == nil {
		return err
	}
	file := &result.File{
		Format: result.Format, Command: os.Args, Version: version, Started: started, Seconds: time.Since(started).Seconds(),
		Machines: []result.Machine{result.Here()}, Warnings: warnings, Compare: measured,
	}
	if err != nil {
		file.Partial = err.Error()
	}
	if err := f.write(cmd, file); err != nil {
		return err
	}
	if err != nil || f.gate && f.missed(cmd.ErrOrStderr(), measured) {
		return errFailed
	}
	return nil
}

// missed tells which gates were missed.
func (f *compareFlags) missed(out io.Writer, c *result.Compare) bool {
	rows := compare.Missed(c, f.slack)
	for _, r := range rows {
		fmt.Fprintf(out, "weir-bench: row %s (%s) is %.3f, the gate is %.3f with a slack of %.0f %%\n", r.Row, r.What, r.Value.Median, r.Gate, 100*f.slack)
	}
	return len(rows) > 0
}

// complete fills in what flags leave open.
func (f *compareFlags) complete(cmd *cobra.Command) error {
	dir, err := home()
	if err != nil {
		return err
	}
	if f.cfg.Binaries, err = fleet.FindBinaries(dir); err != nil && !f.list && !f.installNPM && f.show == "" {
		return err
	}
	if f.cfg.NPM, err = peer.NPMFolder(); err != nil {
		return err
	}
	changed := cmd.Flags().Changed
	f.cfg.Instances, f.cfg.Rounds, f.cfg.Piece, f.cfg.Progress = f.instances, f.rounds, f.piece, cmd.ErrOrStderr()
	if changed("peers") {
		f.cfg.Peers = slices.DeleteFunc(f.peers, func(name string) bool { return name == noPeers })
		if f.cfg.Peers == nil {
			f.cfg.Peers = []string{}
		}
	}
	if f.targets != "" {
		if _, err := os.ReadDir(f.targets); err != nil {
			return drive.Input(fmt.Errorf("--targets: %w; name a folder of target files", err))
		}
		f.cfg.Targets = os.DirFS(f.targets)
	}
	if !f.quick {
		return nil
	}
	for name, set := range map[string]func(){
		"rows":          func() { f.cfg.Rows = []string{"1", "2", "3", "5", "7"} },
		"peers":         func() { f.cfg.Peers = []string{} },
		"instances":     func() { f.cfg.Instances = 3 },
		"piece":         func() { f.cfg.Piece = 500 * time.Millisecond },
		"slack":         func() { f.slack = 0.25 },
		"heap-requests": func() { f.cfg.HeapRequests = 100_000 },
	} {
		if !changed(name) {
			set()
		}
	}
	return nil
}

// write prints the result and writes the file, which has it even when printing fails.
func (f *compareFlags) write(cmd *cobra.Command, file *result.File) error {
	if f.out != "" {
		if err := file.Write(f.out); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	if f.asJSON {
		return json.NewEncoder(out).Encode(file)
	}
	fmt.Fprintln(out)
	compare.WriteText(out, file.Compare)
	for _, w := range file.Warnings {
		fmt.Fprintf(out, "\nwarning (%s): %s\n", w.Code, w.Text)
	}
	if file.Partial != "" {
		fmt.Fprintf(out, "\npartial result: %s\n", file.Partial)
	}
	return nil
}

// writeSource prints a target file.
func (f *compareFlags) writeSource(out io.Writer) error {
	all, err := compare.Targets(f.cfg.Targets)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Name == f.show {
			_, err := out.Write(t.Source)
			return err
		}
	}
	return fmt.Errorf("there is no target %q; weir-bench compare --list names them", f.show)
}

// listed is one line of --list.
type listed struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Title   string `json:"title"`
	About   string `json:"about"`
	Notes   string `json:"notes,omitempty"`
	Here    bool   `json:"here"`
	Version string `json:"version,omitempty"`
	Why     string `json:"why,omitempty"` // it is not here
	Install string `json:"install,omitempty"`
}

func (f *compareFlags) writeList(ctx context.Context, out io.Writer) error {
	all, err := compare.Targets(f.cfg.Targets)
	if err != nil {
		return err
	}
	programs := peer.Programs{Weir: f.cfg.Binaries.Weir, Bench: f.cfg.Binaries.Bench, NPM: f.cfg.NPM}
	var list []listed
	for _, t := range all {
		found, missing, err := programs.Find(ctx, t)
		if err != nil {
			return err
		}
		l := listed{Name: t.Name, Role: string(t.Role), Title: t.Title, About: t.About, Notes: t.Notes, Here: found != nil, Install: t.Install}
		if found != nil {
			l.Version = found.Version
		} else {
			l.Why, l.Install = missing.Why, missing.Install
		}
		list = append(list, l)
	}
	if f.asJSON {
		return json.NewEncoder(out).Encode(list)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE\tSERVER\tHERE")
	for _, l := range list {
		here := "yes " + l.Version
		if !l.Here {
			here = "no, " + l.Why + ": " + l.Install
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Name, l.Role, l.Title, here)
	}
	return w.Flush()
}

// newServeTarget is for compare, which starts it as processes of their own.
func newServeTarget() *cobra.Command {
	var listen, network, kind string
	var cfg reference.Config
	cmd := &cobra.Command{
		Use:    "serve-target",
		Short:  "Serve as one of the servers that others are measured against",
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := net.Listen(network, listen)
			if err != nil {
				return err
			}
			cfg.Kind = reference.Kind(kind)
			return cfg.Serve(cmd.Context(), l)
		},
	}
	f := cmd.Flags()
	f.StringVar(&network, "network", "tcp", "tcp or unix")
	f.StringVar(&listen, "listen", "127.0.0.1:0", "HOST:PORT, or the path of a socket")
	f.StringVar(&kind, "kind", string(reference.Constant), "const, upstream, minproxy or relay")
	f.StringVar(&cfg.Upstream, "upstream", "", "HOST:PORT behind minproxy and relay")
	f.IntVar(&cfg.Size, "size", 1<<10, "bytes of the answer of const and upstream")
	return cmd
}

// newSpin is for compare, which starts it beside servers that it does not want to wait for their processor.
func newSpin() *cobra.Command {
	return &cobra.Command{
		Use:    fleet.SpinCommand,
		Short:  "Compute at idle priority until ended, which keeps a processor awake",
		Hidden: true,
		RunE:   func(cmd *cobra.Command, _ []string) error { return fleet.Spin(cmd.Context()) },
	}
}
