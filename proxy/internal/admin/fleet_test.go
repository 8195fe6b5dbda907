package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
)

// playedFleet answers what a test says.
type playedFleet struct {
	receipt cache.FleetReceipt
	view    cache.Fleet
	err     error
	wait    time.Duration // that was asked for last
}

func (f *playedFleet) Await(_ context.Context, wait time.Duration) cache.FleetReceipt {
	f.wait = wait
	return f.receipt
}

func (f *playedFleet) Look(context.Context) (cache.Fleet, error) { return f.view, f.err }

func TestWaitingForTheFleetNamesWhoIsMissing(t *testing.T) {
	f := &playedFleet{receipt: cache.FleetReceipt{Members: 2, Reached: 2, Target: cache.Position{MS: 9, Seq: 1}, Took: 3 * time.Millisecond}}
	r := start(t, func(s *Sources) { s.Fleet = f })
	status, body, _ := r.call(t, "POST", "/cache/invalidate?wait=fleet&deadline=5s", `{"tags":["a"]}`)
	if status != 200 || !strings.Contains(body, `"obey": 2`) || !strings.Contains(body, `"missing": []`) || !strings.Contains(body, `"position": "9-1"`) {
		t.Errorf("%d %s", status, body)
	}
	if f.wait > 5*time.Second || f.wait < 4*time.Second {
		t.Errorf("waited for up to %v", f.wait)
	}
	f.receipt.Reached = 1
	f.receipt.Missing = []cache.FleetMember{{Instance: "pod-7", ID: "x", Position: cache.Position{MS: 8}, Entered: true, Silent: 1500 * time.Millisecond, SafeIn: 8500 * time.Millisecond}}
	status, body, h := r.call(t, "POST", "/cache/invalidate?wait=fleet", `{"tags":["a"]}`)
	for _, want := range []string{`"logged": true`, `"instance": "pod-7"`, `"position": "8-0"`, `"last_seen_ms_ago": 1500`, `"safe_in_ms": 8500`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if status != 504 || h.Get("Weir-Error") != "cache.fleet_missing" || f.wait > defaultDeadline {
		t.Errorf("%d %v", status, h)
	}
	f.receipt = cache.FleetReceipt{Err: errors.New("away")}
	if status, body, _ := r.call(t, "POST", "/cache/invalidate?wait=fleet", `{"tags":["a"]}`); status != 504 || !strings.Contains(body, "away") {
		t.Errorf("unseen: %d %s", status, body)
	}
	for _, bad := range []string{"x", "0", "-1s", "9ms", "61s", "5"} {
		if status, body, _ := r.call(t, "POST", "/cache/invalidate?wait=fleet&deadline="+bad, `{"tags":["a"]}`); status != 400 || !strings.Contains(body, "10ms to 1m") {
			t.Errorf("deadline=%s: %d %s", bad, status, body)
		}
	}
	f.wait = 0
	r.logs = 1 << 30 // the log cannot be reached: there is nothing that the fleet could obey
	if status, _, h := r.call(t, "POST", "/cache/invalidate?wait=fleet&deadline=100ms", `{"tags":["a"]}`); status != 503 || h.Get("Weir-Error") != "cache.not_logged" || f.wait != 0 {
		t.Errorf("not logged: %d %v", status, h)
	}
}

func TestFleetIsShown(t *testing.T) {
	f := &playedFleet{view: cache.Fleet{Shared: true, Settled: true, Epoch: 7, Head: cache.Position{MS: 9}, Members: []cache.FleetMember{
		{Instance: "a", ID: "1", Position: cache.Position{MS: 9}, Entered: true, Self: true},
		{Instance: "b", ID: "2", Silent: time.Second},
	}}}
	r := start(t, func(s *Sources) { s.Fleet = f })
	status, body, _ := r.call(t, "GET", "/cache/fleet", "")
	for _, want := range []string{`"head": "9-0"`, `"instance": "a"`, `"self": true`, `"last_seen_ms_ago": 1000`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if status != 200 || strings.Contains(body, "safe_in_ms") || strings.Count(body, `"position"`) != 1 {
		t.Errorf("%d %s", status, body)
	}
	f.err = errors.New("away")
	if status, _, h := r.call(t, "GET", "/cache/fleet", ""); status != 503 || h.Get("Weir-Error") != "cache.fleet_unseen" {
		t.Errorf("%d %v", status, h)
	}
	off := start(t, func(s *Sources) { s.Fleet = nil })
	if status, _, _ := off.call(t, "GET", "/cache/fleet", ""); status != 409 {
		t.Errorf("cache off: %d", status)
	}
}
