package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A small heap is collected at half as much garbage as Go's 100 %: a collection costs next to nothing then, and what waits for one is a
// good part of the process. The percentage follows the heap, for a large one is collected seldom only when it may grow.
const (
	smallHeap    = 24 << 20 // bytes that live
	smallPercent = 50
	largePercent = 100
)

// percentFor is the percentage for a heap of so many bytes that live, when percent holds now: it changes back at half the size only, so
// that it does not swing.
func percentFor(live uint64, percent int) int {
	switch {
	case live >= smallHeap:
		return largePercent
	case live < smallHeap/2:
		return smallPercent
	}
	return percent
}

// tuneCollector lets the garbage collector's percentage follow the heap for as long as the process lives; GOGC in the environment has
// the last word.
func tuneCollector() {
	if _, set := os.LookupEnv("GOGC"); set {
		return
	}
	debug.SetGCPercent(smallPercent)
	c := &collector{percent: smallPercent, samples: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	c.afterNext()
}

type collector struct {
	percent int
	samples []metrics.Sample
}

// afterNext looks at the heap after the next collection, and again after each one: that costs an idle process nothing.
func (c *collector) afterNext() {
	runtime.AddCleanup(&struct{ unreachable *collector }{c}, (*collector).collected, c)
}

func (c *collector) collected() {
	metrics.Read(c.samples)
	if p := percentFor(c.samples[0].Value.Uint64(), c.percent); p != c.percent {
		c.percent = p
		debug.SetGCPercent(p)
	}
	c.afterNext()
}
