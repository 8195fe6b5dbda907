package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/targets"
)

// Config of a comparison. Binaries, Instances, Rounds and Piece are needed.
type Config struct {
	Binaries     fleet.Binaries
	Targets      fs.FS         // further target files, or others of the same names; nil: the built-in ones alone
	Rows         []string      // numbers of rows; nil: all
	Peers        []string      // names of servers of others; nil: all; empty: none
	Instances    int           // of every process
	Rounds       int           // for each instance
	Piece        time.Duration // of one measurement
	HeapRequests int64         // of row 7, for each server; a million when 0
	Syscalls     bool          // count system calls too, with strace
	Seed         uint64        // of the order and the load
	NPM          string        // folder of npm packages; "" is peer.NPMFolder
	Progress     io.Writer     // nil: none
}

const (
	connections         = 64
	openRate            = 4000
	serverCPU, otherCPU = 2, 1
	shortestPiece       = 50 * time.Millisecond
	fullHeapRequests    = 1_000_000
)

func (c *Config) complete() error {
	if c.Instances < 1 || c.Rounds < 1 || c.Piece < shortestPiece {
		return fmt.Errorf("compare: %d instances, %d rounds and pieces of %s; at least 1, 1 and %s are needed", c.Instances, c.Rounds, c.Piece, shortestPiece)
	}
	if n := runtime.NumCPU(); n < 2 {
		return fmt.Errorf("compare: this machine has %d processor; one for the server and one for the load are needed", n)
	}
	if c.HeapRequests == 0 {
		c.HeapRequests = fullHeapRequests
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.NPM == "" {
		dir, err := peer.NPMFolder()
		if err != nil {
			return err
		}
		c.NPM = dir
	}
	return checkRows(c.Rows)
}

// Targets are the built-in target files and those of more.
func Targets(more fs.FS) ([]*peer.Target, error) {
	if more == nil {
		return peer.Load(targets.Files)
	}
	return peer.Load(targets.Files, more)
}

// Run measures and evaluates. A gate that is missed is in the result, not an error. When the context ends or a server fails under way, the result of what was
// measured comes with the error, which says why it is no more; it is nil when nothing was.
func Run(ctx context.Context, cfg Config) (*result.Compare, []result.Warning, error) {
	return execute(ctx, cfg, pairs)
}

// execute is Run for any pairs.
func execute(ctx context.Context, cfg Config, base []pair) (*result.Compare, []result.Warning, error) {
	if err := cfg.complete(); err != nil {
		return nil, nil, err
	}
	r := &run{cfg: cfg, samples: map[sampleKey][][]piece{}, heap: map[string]heapUse{}, pss: map[string][]int64{}, syscalls: map[string]float64{}}
	if err := r.find(ctx, base); err != nil {
		return nil, nil, err
	}
	restore, err := fleet.PinSelfUntil(otherCPU)
	if err != nil {
		return nil, nil, err
	}
	others := watchOthers()
	err = r.measure(ctx)
	r.foreign = others.share()
	err = errors.Join(err, restore())
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted after %d of %d rounds: %w", r.roundsDone, cfg.Instances*cfg.Rounds, context.Cause(ctx))
	}
	if err != nil && r.roundsDone == 0 {
		return nil, nil, err
	}
	return r.evaluate(), r.warnings(), err
}

// run is one comparison under way.
type run struct {
	cfg     Config
	targets map[string]*peer.Target
	found   map[string]*peer.Found
	missing []result.Missing
	pairs   []pair
	chunks  []*chunk

	samples    map[sampleKey][][]piece // by instance and round
	heap       map[string]heapUse
	pss        map[string][]int64
	syscalls   map[string]float64
	roundsDone int
	foreign    float64 // share of the processors that other programs took
}

// sampleKey is one server in one chunk.
type sampleKey struct {
	chunk *chunk
	name  string
}

// find decides what can be measured here.
func (r *run) find(ctx context.Context, base []pair) error {
	all, err := Targets(r.cfg.Targets)
	if err != nil {
		return err
	}
	r.targets, r.found = map[string]*peer.Target{}, map[string]*peer.Found{}
	for _, name := range r.cfg.Peers {
		if !slices.ContainsFunc(all, func(t *peer.Target) bool { return t.Peer && t.Name == name }) {
			return fmt.Errorf("compare: there is no peer %q; weir-bench compare --list names them", name)
		}
	}
	for _, t := range all {
		if t.Peer && r.cfg.Peers != nil && !slices.Contains(r.cfg.Peers, t.Name) {
			continue
		}
		r.targets[t.Name] = t
	}
	programs := peer.Programs{Weir: r.cfg.Binaries.Weir, Bench: r.cfg.Binaries.Bench, NPM: r.cfg.NPM}
	r.pairs = addPeers(base, slices.DeleteFunc(all, func(t *peer.Target) bool { return r.targets[t.Name] == nil }))
	r.pairs = slices.DeleteFunc(r.pairs, func(p pair) bool { return !r.wants(number(p.row)) })
	for _, name := range r.names() {
		t := r.targets[name]
		if t == nil {
			return fmt.Errorf("compare: there is no target %s", name)
		}
		f, missing, err := programs.Find(ctx, t)
		if err != nil {
			return err
		}
		if missing != nil {
			r.lack(*missing)
			continue
		}
		r.found[name] = f
	}
	if r.chunks = chunks(r.pairs); len(r.names()) == 0 {
		return fmt.Errorf("compare: nothing is left to measure of rows %s: %s", strings.Join(r.cfg.Rows, ", "), lacking(r.missing))
	}
	return nil
}

func lacking(missing []result.Missing) string {
	var parts []string
	for _, m := range missing {
		parts = append(parts, fmt.Sprintf("%s is missing (%s)", m.Name, m.Install))
	}
	return strings.Join(parts, ", ")
}

// wants reports whether a row is to be measured.
func (r *run) wants(row string) bool { return r.cfg.Rows == nil || slices.Contains(r.cfg.Rows, row) }

// names are the targets that are needed, each once.
func (r *run) names() []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, p := range r.pairs {
		add(p.top)
		add(p.by)
	}
	if r.wants("7") {
		for _, h := range heaps {
			add(h.name)
		}
	}
	if r.wants("10") {
		add(hitKafka)
	}
	return out
}

// lack notes a server that cannot be measured and drops what needs it.
func (r *run) lack(m result.Missing) {
	fmt.Fprintf(r.cfg.Progress, "%s is left out: %s. To install it: %s\n", m.Name, m.Why, m.Install)
	r.missing = append(r.missing, m)
	delete(r.targets, m.Name)
	r.pairs = slices.DeleteFunc(r.pairs, func(p pair) bool { return p.top == m.Name || p.by == m.Name })
	for _, c := range r.chunks {
		c.members = slices.DeleteFunc(c.members, func(name string) bool { return name == m.Name })
	}
	r.chunks = slices.DeleteFunc(r.chunks, func(c *chunk) bool { return len(c.members) == 0 || c.anchor == m.Name })
}
