package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Config is one run, or one search of the highest rate.
type Config struct {
	Load       load.Config
	Workload   string // for the result: the file's name, or the name of a built-in one
	Title      string // of the live view; "run" when empty
	Thresholds []Threshold
	Search     *Search  // nil: one run
	Streams    []Stream // subscriptions that are open beside the requests

	Await time.Duration // for targets that are about to start: until they accept connections, so long at most

	Out     string     // result file; "" for none
	JSON    bool       // the summary is the result file's JSON
	Quiet   bool       // no progress
	Width   func() int // columns of the terminal that progress goes to; nil: it is none
	Command []string   // for the result, as typed
	Version string     // for the result

	start func(leg) (runner, error) // nil: the generator
}

// Stream opens subscriptions until ctx ends. It tells how many are open and how many events came, and the first failure of each kind. An error says that
// none could be opened.
type Stream func(ctx context.Context, count func(open, events int64), failed func(kind string, err error)) (*result.Subscriptions, error)

// Search looks for the highest rate at which the thresholds hold.
type Search struct {
	Poisson   bool          // arrivals; else constant
	Start     float64       // first rate; 100/s when 0
	Step      time.Duration // of one try, after the warm-up; 5 s when 0
	Tolerance float64       // ends when what held and what missed are so close, a share; 0.05 when 0
}

// Exit codes.
const (
	ExitMissed      = 1 // a threshold was missed, requests failed, the run was cut short, or its result could not be written
	ExitInput       = 2 // flags, thresholds, workload
	ExitUnreachable = 3 // the target could not be reached, or died
	ExitUnsure      = 4 // nothing was missed, and something could not be judged: run longer
)

// ErrMissed is the reason of an exit code 1 after a whole run: everything there is to say was printed.
var ErrMissed = errors.New("the run did not hold")

// Error is an error with the exit code it stands for.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Input marks an error as wrong use or wrong input.
func Input(err error) error {
	if err == nil {
		return nil
	}
	return &Error{ExitInput, err}
}

func inputf(format string, args ...any) error { return Input(fmt.Errorf(format, args...)) }

// ExitCode is the exit code an error stands for: 0 for nil, 1 unless the error says another.
func ExitCode(err error) int {
	var e *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.Code
	}
	return ExitMissed
}
