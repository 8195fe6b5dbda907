package origin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/weirproxy/weir/bench/internal/origin/burn"
	"github.com/weirproxy/weir/bench/internal/origin/draw"
)

// Spec is an origin as it is asked for. The zero value beside Listen is a GeoNames service that answers at once and without faults.
type Spec struct {
	Listen   string   // HOST:PORT (port 0 takes a free one), or unix:PATH
	Seed     uint64   // of everything that is drawn
	Generate string   // "": GeoNames; else a generated schema: "types=8,fields=6,entities=1000,listSize=10", each with a default; "seed=…" instead of Seed
	Latency  []string // see LatencyForm; those that select a request add up
	Burn     []string // processor time by field: "50us" for each, "City.rank=200us" for one
	Size     string   // distribution of the bytes of an answer; an answer that is shorter is padded in its extensions
	Faults   Faults   // in force from the start
}

// Open builds the origin. It listens when Start is called.
func Open(spec Spec) (*Server, error) {
	s, err := build(spec)
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	return s, nil
}

func build(spec Spec) (*Server, error) {
	engine, sdl, world, dropped, err := engineOf(&spec)
	if err != nil {
		return nil, err
	}
	s := &Server{spec: spec, engine: engine, schema: sdl, cities: world, dropped: dropped, network: "tcp", address: spec.Listen, persist: persisted{documents: map[string]string{}}}
	if path, ok := unixPath(spec.Listen); ok {
		s.network, s.address = "unix", path
	}
	if s.burn, err = burn.Parse(spec.Burn, engine.HasField); err != nil {
		return nil, err
	}
	if spec.Size != "" {
		if s.size, err = draw.ParseBytes(spec.Size); err != nil {
			return nil, err
		}
	}
	s.truth.reset()
	if err := s.SetFaults(spec.Faults); err != nil {
		return nil, err
	}
	s.revive()
	s.handler = s.routes()
	return s, nil
}

// ReadFaults reads a file that holds what PUT /_origin/faults takes.
func ReadFaults(path string) (Faults, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Faults{}, fmt.Errorf("faults: %w", err)
	}
	f, err := decodeFaults(raw)
	if err != nil {
		return Faults{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", s.serveGraphQL)
	mux.HandleFunc("/sse", serveEvents)
	mux.HandleFunc("/upload", serveUpload)
	mux.HandleFunc("/chunked", serveChunked)
	mux.HandleFunc("/_origin/faults", s.serveFaults)
	mux.HandleFunc("/_origin/counters", s.serveCounters)
	mux.HandleFunc("/_origin/truth", s.serveTruth)
	mux.HandleFunc("/_origin/schema", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s.schema) })
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
