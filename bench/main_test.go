package bench

import (
	"testing"

	"go.uber.org/goleak"
)

// The servers of subgraphs/ that scenes close leave a goroutine of fasthttp each, until it looks up from its sleep of ten seconds, and one for
// the date for ever. A server that nobody closed is noticed all the same: its goroutine stands in Serve.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}
