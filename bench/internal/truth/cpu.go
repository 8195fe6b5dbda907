package truth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/reference"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

const (
	ratioGate           = 1.2
	heapGate            = 1.0 // bytes per request: what is left is housekeeping that many requests share
	serverCPU, otherCPU = 2, 1
	fewRequests         = 50_000
	moreRequests        = 350_000
)

// cpuTable sets the generator beside wrk, in turn against one constant server, each on the first processor and the server on the second.
func cpuTable(ctx context.Context, bench string, pairs int, piece time.Duration, dir string) (table result.Table, err error) {
	table = result.Table{
		Name: "truth-cpu", Title: "What the generator takes",
		Text: fmt.Sprintf("Processor time of a request, user and system, of the whole process: %d pairs of pieces of %s in turn over %d keep-alive connections, one thread, the same bytes to the same "+
			"constant server of 1 KiB. Heap is what the generator allocates for one more request.", pairs, piece, closedLoop),
		Columns: []result.Column{{Name: "median", Unit: "µs"}, {Name: "low", Unit: "µs"}, {Name: "high", Unit: "µs"}, {Name: "requests", Unit: "1/s"}},
	}
	if err := fleet.PinSelf(otherCPU); err != nil {
		return table, err
	}
	address, err := fleet.FreeAddress()
	if err != nil {
		return table, err
	}
	limited, cancel := context.WithTimeout(ctx, givenTime)
	defer cancel()
	server, err := fleet.Start(limited, fleet.Spec{
		Name: "const", Path: bench, Dir: dir, CPU: serverCPU, Ready: fleet.Listens(address),
		Args: []string{"serve-target", "--kind", string(reference.Constant), "--listen", address, "--size", strconv.Itoa(1 << 10)},
	})
	if err != nil {
		return table, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	url := "http://" + address + "/graphql"
	heap, err := heapPerRequest(ctx, url)
	if err != nil {
		return table, err
	}
	table.Gates = append(table.Gates, result.Row{
		Row: "truth", What: "heap of the generator for a request", Unit: "B", Value: interval(heap), Gate: heapGate, Aim: 0, Pass: heap <= heapGate,
	})
	var ours, theirs, ratios []float64
	var rates [2]float64
	for range pairs {
		us, rate, err := ownPiece(ctx, url, 0, piece)
		if err != nil {
			return table, err
		}
		w, err := runWrk(ctx, dir, url, closedLoop, piece, sameBody().body)
		if err != nil {
			table.Text += fmt.Sprintf(" wrk was not measured: %v.", err)
			break
		}
		wrk := float64(w.CPU.Nanoseconds()) / 1e3 / float64(max(1, w.Requests))
		ours, theirs, ratios = append(ours, us), append(theirs, wrk), append(ratios, us/wrk)
		rates = [2]float64{rate, w.Rate}
	}
	if len(ratios) == 0 {
		return table, ctx.Err()
	}
	for i, v := range [][]float64{ours, theirs} {
		b := result.Bootstrap(v)
		table.Rows = append(table.Rows, []float64{b.Median, b.Low, b.High, rates[i]})
	}
	table.Labels = []string{"weir-bench", "wrk"}
	ratio := result.Bootstrap(ratios)
	table.Gates = append(table.Gates, result.Row{
		Row: "truth", What: "processor time of a request, weir-bench ÷ wrk", Unit: "ratio", Value: ratio, Gate: ratioGate, Aim: 1, Pass: ratio.Median <= ratioGate,
	})
	return table, nil
}

// ownPiece runs the generator in a closed loop; requests or d bounds it.
func ownPiece(ctx context.Context, url string, requests int64, d time.Duration) (micros, rate float64, err error) {
	target, err := load.ParseTarget(url)
	if err != nil {
		return 0, 0, err
	}
	before, err := vitals.CPU(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	r, err := load.New(load.Config{
		Targets: []load.Target{target}, Source: sameBody(), Connections: closedLoop, Requests: requests, Duration: d, Timeout: givenTime, Seed: 1,
	})
	if err != nil {
		return 0, 0, err
	}
	if err := r.Run(ctx); err != nil {
		return 0, 0, err
	}
	after, err := vitals.CPU(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	total := r.Result().Total
	if total.Errors > 0 || total.Requests == 0 {
		return 0, 0, fmt.Errorf("%d of %d requests failed: %v", total.Errors, total.Requests, total.Failures)
	}
	return float64((after - before).Nanoseconds()) / 1e3 / float64(total.Requests), total.Rate, ctx.Err()
}

// heapPerRequest is the difference between a long and a short run, so that what connections and the result cost falls out.
func heapPerRequest(ctx context.Context, url string) (float64, error) {
	var used [2]uint64
	for i, n := range []int64{fewRequests, moreRequests} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := ownPiece(ctx, url, n, 0); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&after)
		used[i] = after.TotalAlloc - before.TotalAlloc
	}
	if used[1] <= used[0] {
		return 0, nil
	}
	return float64(used[1]-used[0]) / (moreRequests - fewRequests), nil
}
