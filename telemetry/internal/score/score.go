package score

import (
	"math"
	"time"
)

const (
	bucket    = int64(time.Second)
	warm      = 12   // buckets until a score is given
	slow      = 0.01 // weight of a bucket in the level, once warm
	alarmZ    = 4.5
	alarmSum  = 12.0
	drift     = 1.0  // of the latency CUSUM, in scales
	minEffect = 0.2  // of the mean logarithm: a change below 22 % is none
	minScale  = 0.05 // of the mean logarithm
	errorRise = 0.05 // least share of errors that is told from the baseline
)

// Scorer is the state of one series. The zero value is ready. It is not safe for concurrent use.
type Scorer struct {
	start       int64 // of the open bucket, unix ns
	n, failed   float64
	sum         float64 // of log latency
	level       float64
	scale       float64 // of one bucket's mean
	errors      float64 // baseline share
	buckets     int
	z           [2]float64 // of the two buckets before
	up, failing float64    // CUSUMs
	score       float64
}

// Add counts a request that ended at unix ns end after latency ns. It returns the score, 0..1, of the last closed bucket; 0.8 is the
// alarm.
func (s *Scorer) Add(end, latency int64, failed bool) float64 {
	back := end < s.start-bucket // the wall clock was set back; the open bucket cannot end
	if end-s.start >= bucket || back {
		if s.n > 0 && !back {
			s.close()
		}
		s.start, s.n, s.failed, s.sum = end, 0, 0, 0
	}
	s.n++
	s.sum += math.Log(float64(max(latency, 1000)))
	if failed {
		s.failed++
	}
	return s.score
}

func (s *Scorer) close() {
	mean, share := s.sum/s.n, s.failed/s.n
	s.buckets++
	if s.buckets <= warm {
		s.learn(mean, share)
		return
	}
	resid := mean - s.level
	scale := max(s.scale, minScale)
	z := resid / scale
	if resid < minEffect {
		z = min(z, 1)
	}
	s.up = min(max(0, s.up+min(z, 8)-drift), 3*alarmSum)
	p0 := min(max(s.errors, 0.002), 0.5)
	p1 := min(max(3*p0, errorRise), 0.9)
	// A burst of a hundred requests tells more than ten, but no single bucket may outweigh all later ones.
	llr := s.failed*math.Log(p1/p0) + (s.n-s.failed)*math.Log((1-p1)/(1-p0))
	s.failing = min(max(0, s.failing+min(max(llr, -2*alarmSum), 2*alarmSum)), 3*alarmSum)

	severity := max(secondOf(z, s.z[0], s.z[1])/alarmZ, s.up/alarmSum, s.failing/alarmSum)
	s.score = 1 - math.Pow(0.2, max(severity, 0))
	s.z[1], s.z[0] = s.z[0], z

	weight := slow
	if severity >= 1 { // an incident is learned ten times slower than the norm
		weight = slow / 10
	}
	clip := 2 * scale
	step := min(max(resid, -clip), clip)
	s.level += weight * step
	s.scale += weight * (1.2533*math.Abs(step) - s.scale)
	s.errors += weight * (min(share, p0+0.01) - s.errors)
}

// learn takes a bucket into the baseline with equal weight.
func (s *Scorer) learn(mean, share float64) {
	w := 1 / float64(s.buckets)
	if s.buckets > 1 {
		s.scale += w * (1.2533*math.Abs(mean-s.level) - s.scale)
	}
	s.level += w * (mean - s.level)
	s.errors += w * (share - s.errors)
}

// secondOf returns the second largest of three values.
func secondOf(a, b, c float64) float64 {
	return max(min(a, b), min(a, c), min(b, c))
}
