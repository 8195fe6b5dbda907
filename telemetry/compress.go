package telemetry

import (
	"bytes"
	"sync"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// compressor is lz4 in blocks of 64 KiB: the Kafka client's own takes those of 4 MiB, several of them, for batches that are far smaller. The
// frame has no checksum of its content: the batch around it has one that brokers and consumers check.
type compressor struct{ writers sync.Pool }

func newCompressor() *compressor {
	return &compressor{sync.Pool{New: func() any {
		w := lz4.NewWriter(nil)
		_ = w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false)) // the options are valid
		return w
	}}}
}

// Compress implements kgo.Compressor. What does not get smaller goes as it is.
func (c *compressor) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	w := c.writers.Get().(*lz4.Writer)
	defer c.writers.Put(w)
	w.Reset(dst)
	_, err := w.Write(src)
	if end := w.Close(); err != nil || end != nil || dst.Len() >= len(src) {
		return src, kgo.CodecNone
	}
	return dst.Bytes(), kgo.CodecLz4
}
