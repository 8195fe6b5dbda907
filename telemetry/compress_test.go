package telemetry

import (
	"bytes"
	"crypto/rand"
	"io"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestCompressedBatchesComeBackAndWhatDoesNotShrinkGoesAsItIs(t *testing.T) {
	c := newCompressor()
	for _, n := range []int{1, 400, 64 << 10, 300 << 10} {
		src := []byte(strings.Repeat(`{"event_id":"a-1","cost_amount":"0.000001"}`, n/43+2))
		for range 2 { // the writer is used again
			out, codec := c.Compress(new(bytes.Buffer), src)
			if codec != kgo.CodecLz4 || len(out) >= len(src) {
				t.Fatalf("%d bytes became %d, codec %d", len(src), len(out), codec)
			}
			back, err := io.ReadAll(lz4.NewReader(bytes.NewReader(out)))
			if err != nil || !bytes.Equal(back, src) {
				t.Fatalf("%d bytes came back as %d: %v", len(src), len(back), err)
			}
		}
	}
	noise := make([]byte, 1000)
	_, _ = rand.Read(noise)
	if out, codec := c.Compress(new(bytes.Buffer), noise); codec != kgo.CodecNone || !bytes.Equal(out, noise) {
		t.Errorf("noise became %d bytes, codec %d", len(out), codec)
	}
}
