package telemetry

import (
	"bytes"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

// binaryHeaders are the CloudEvents attributes of an event in binary mode (Kafka protocol binding 1.0, section 3.2).
func (s *sender) binaryHeaders(data []byte) []kgo.RecordHeader {
	return append([]kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")},
		{Key: "ce_id", Value: text(data, `"event_id":"`)},
		{Key: "ce_source", Value: []byte("/weir/" + s.t.cfg.Identity.Service + "/" + s.t.cfg.Identity.Instance)},
		{Key: "ce_type", Value: []byte(event.CostType)},
		{Key: "ce_time", Value: text(data, `"timestamp":"`)},
	}, s.headers...)
}

// text returns the string behind a member of an event that this package wrote; ids and times have no escapes but in the instance.
func text(data []byte, member string) []byte {
	i := bytes.Index(data, []byte(member))
	if i < 0 {
		return nil
	}
	data = data[i+len(member):]
	if j := bytes.IndexByte(data, '"'); j >= 0 {
		return data[:j]
	}
	return nil
}

// sequence reads the sequence out of an event's id.
func sequence(data []byte) uint64 {
	id := text(data, `"event_id":"`)
	n, err := strconv.ParseUint(string(id[bytes.LastIndexByte(id, '-')+1:]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
