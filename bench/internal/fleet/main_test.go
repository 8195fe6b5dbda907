package fleet

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test program stand for weir-bench where a test starts it as a spinner.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == SpinCommand {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := Spin(ctx); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
