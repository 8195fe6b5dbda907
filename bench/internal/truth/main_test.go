package truth

import (
	"testing"

	"go.uber.org/goleak"
)

// fasthttp keeps one goroutine for the date for ever, and one for each server that ended until it looks up from its sleep of ten seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}
