package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/event"
)

// Timestamp writes a time as events have it.
func Timestamp(at time.Time) string {
	text := formatTime(at.UnixNano())
	return string(text[:])
}

// TellUsage sends what a client used; the caller fills in all from Client on. It does not wait. During an outage events are held back
// until a quarter of the buffer is full, so that cost events have room; what comes then is lost, and counted.
// Without brokers it does nothing.
func (t *Telemetry) TellUsage(u *event.Usage) {
	if t.sender == nil {
		return
	}
	u.EventID = fmt.Sprintf("%susage-%d", t.identity.prefix, t.counters.usage.Add(1))
	u.SchemaVersion, u.EventType = event.SchemaVersion, event.UsageType
	u.Service, u.Instance, u.Environment = t.cfg.Identity.Service, t.cfg.Identity.Instance, t.cfg.Identity.Environment
	text, err := json.Marshal(event.Envelope[*event.Usage]{
		SpecVersion: "1.0", ID: u.EventID, Source: "/weir/" + t.cfg.Identity.Service + "/" + t.cfg.Identity.Instance, Type: event.UsageType,
		Time: Timestamp(time.Now()), DataContentType: "application/json", Data: u,
	})
	if err != nil || t.sender.client.BufferedProduceBytes() > maxBufferedBytes/4 || t.sender.client.BufferedProduceRecords() > maxBuffered/4 {
		t.counters.usageLost.Add(1)
		return
	}
	t.sender.client.TryProduce(context.Background(), &kgo.Record{
		Topic: event.UsageTopic, Key: t.sender.key, Value: text,
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=UTF-8")}},
	}, func(_ *kgo.Record, err error) {
		if err != nil {
			t.counters.usageLost.Add(1)
		}
		t.sender.refused(err)
	})
}
