package proxy

import (
	"testing"

	"go.uber.org/goleak"
)

// library are goroutines of fasthttp: one ends by itself some time after the server, those of its compressors never.
func library() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, library()...) }
