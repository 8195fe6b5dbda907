package proxy

import (
	"testing"

	"go.uber.org/goleak"
)

// library are goroutines of fasthttp: one ends by itself within 10 s of the server's end, those of its clock and its compressors never.
func library() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, library()...) }
