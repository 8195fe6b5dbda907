package compare

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

// progress tells how far a comparison is and how long it will take.
type progress struct {
	r       *run
	started time.Time
	once    time.Duration // took what is not measured again
}

func (r *run) newProgress() *progress { return &progress{r: r, started: time.Now()} }

func (p *progress) instance(i int) {
	fmt.Fprintf(p.r.cfg.Progress, "instance %d of %d: starting, checking and warming %d servers%s\n", i+1, p.r.cfg.Instances, len(p.r.names()), p.left(i, 0))
}

func (p *progress) round(i, round int) {
	fmt.Fprintf(p.r.cfg.Progress, "instance %d of %d, round %d of %d%s\n", i+1, p.r.cfg.Instances, round+1, p.r.cfg.Rounds, p.left(i, round+1))
}

// left is an estimate by what was done so far; before that by the length of the pieces.
func (p *progress) left(instance, rounds int) string {
	cfg := p.r.cfg
	done, all := float64(instance*cfg.Rounds+rounds), float64(cfg.Instances*cfg.Rounds)
	var left time.Duration
	if done == 0 {
		left = time.Duration(all) * p.roundTime()
	} else {
		left = time.Duration(float64(time.Since(p.started)-p.once) * (all - done) / done)
	}
	return fmt.Sprintf("; about %s left", left.Round(time.Second))
}

func (p *progress) roundTime() (d time.Duration) {
	for _, c := range p.r.chunks {
		one := p.r.cfg.Piece
		if c.shape == paced {
			one *= pacedPieces
		}
		d += one * time.Duration(c.shape.turns()*(1+len(c.members)))
	}
	return d
}

// foreignWatch measures what other programs take of the processors.
type foreignWatch struct {
	busy, own time.Duration
	started   time.Time
	failed    bool
}

func watchOthers() *foreignWatch {
	w := &foreignWatch{started: time.Now()}
	w.busy, w.own, w.failed = processors()
	return w
}

// share of the two processors that programs outside the comparison took, 0..1; 0 when it cannot be known.
func (w *foreignWatch) share() float64 {
	busy, own, failed := processors()
	if w.failed || failed {
		return 0
	}
	return max(0, float64((busy-w.busy)-(own-w.own))/float64(2*time.Since(w.started)))
}

// processors is the time that all programs, and this one with its descendants, spent.
func processors() (busy, own time.Duration, failed bool) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, true
	}
	own, err = fleet.TreeCPUTime(os.Getpid())
	if err != nil {
		return 0, 0, true
	}
	busy, err = busyTime(raw)
	return busy, own, err != nil
}

// busyTime adds the columns of /proc/stat's cpu0 and cpu1 that are neither idle nor waiting.
func busyTime(stat []byte) (time.Duration, error) {
	const idle, iowait, guest, tick = 4, 5, 9, 10 * time.Millisecond // guest is contained in user
	var sum time.Duration
	for line := range bytes.Lines(stat) {
		f := bytes.Fields(line)
		if len(f) == 0 || string(f[0]) != "cpu0" && string(f[0]) != "cpu1" {
			continue
		}
		for i := 1; i < min(len(f), guest); i++ {
			if i == idle || i == iowait {
				continue
			}
			n, err := strconv.ParseInt(string(f[i]), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("/proc/stat: %w", err)
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}
