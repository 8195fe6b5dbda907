package telemetry

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestCompressedBatchesComeBackAndWhatDoesNotShrinkGoesAsItIs(t *testing.T) {
	c := compressor{}
	for _, n := range []int{1, 400, 64 << 10, 300 << 10} {
		src := []byte(strings.Repeat(`{"event_id":"a-1","cost_amount":"0.000001"}`, n/43+2))
		for range 2 {
			out, codec := c.Compress(new(bytes.Buffer), src)
			if codec != kgo.CodecSnappy || len(out) >= len(src) {
				t.Fatalf("%d bytes became %d, codec %d", len(src), len(out), codec)
			}
			back, err := s2.Decode(nil, out)
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
