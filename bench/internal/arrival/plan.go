package arrival

import "time"

// Plan is a schedule of due times.
type Plan interface {
	// Times returns the due times of one of n threads, in order; together the threads have exactly the plan's arrivals.
	Times(thread, n int, seed uint64) Times
	// String is the plan as it would be typed.
	String() string
}

// Times hands out due times since the start of the run, never decreasing. It belongs to one goroutine and does not allocate.
type Times interface {
	// Next returns the next due time; false when the plan is over.
	Next() (time.Duration, bool)
}
