package telemetry

import (
	"context"
	"time"
)

// housekeeping is how often what nobody waits for is done.
const housekeeping = 2 * time.Second

// keepHouse measures the CPU and tells what was lost, until ctx ends. While there are neither requests nor losses it rests: a sidecar that has nothing to do
// shall not wake up.
func (t *Telemetry) keepHouse(ctx context.Context) {
	timer := time.NewTimer(housekeeping)
	defer timer.Stop()
	t.cpu.begin()
	rests := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.chores:
			if rests {
				rests = false
				t.cpu.begin()
				timer.Reset(housekeeping)
			}
		case <-timer.C:
			t.tellLosses()
			if rests = !t.cpu.measure(); !rests {
				timer.Reset(housekeeping)
			}
		}
	}
}

func (t *Telemetry) tellLosses() {
	if t.sender == nil {
		return
	}
	for _, n := range t.losses.tell(t, time.Now()) {
		t.sender.sendLoss(n)
	}
}

// wake tells who receives from a channel of one place that there is something to do. It never waits.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
