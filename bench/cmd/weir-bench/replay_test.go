package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/origin/origintest"
	"github.com/weirproxy/weir/bench/internal/result"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const recordedLog = `{"time":1777896000000,"operationName":"City","query":"query City($id: ID!) { city(id: $id) { name } }","variables":{"id":1796236}}
{"time":1777896000010,"method":"GET","url":"/graphql?query=%7Bstats%7Bcities%7D%7D"}
{"time":1777896000030,"body":[{"query":"query A{stats{cities}}"},{"query":"query B{stats{cities}}"}]}
oops
`

const recordedEvents = `{"event_id":"a-1","event_type":"weir.cost.v1","timestamp":"2026-05-04T12:00:00.000100Z","operation":"City","operation_kind":"query"}
{"event_id":"a-2","event_type":"weir.cost.v1","timestamp":"2026-05-04T12:00:00.010100Z","operation":"Largest","operation_kind":"query"}
{"event_id":"a-3","event_type":"weir.cost.v1","timestamp":"2026-05-04T12:00:00.020100Z","operation":"Gone","operation_kind":"query"}
`

func TestReplayAgainstTheOrigin(t *testing.T) {
	o := origintest.Start(t)
	log, events, out := written(t, "r.ndjson", recordedLog), written(t, "e.ndjson", recordedEvents), filepath.Join(t.TempDir(), "out.json")
	for _, c := range []struct {
		args     []string
		said     string
		requests int64
		names    string
	}{
		{[]string{log, "--speed", "2", "--loop", "3"}, "left out: 1 × a line that is no request: it is no JSON, first " + log + ":4", 9, "City anonymous A+B"},
		{[]string{log, "--mix", "--speed", "10"}, "replaying 3 requests recorded in 30ms (100.0 per second on average)", 3, ""},
		{[]string{log, "--arrivals", "constant:500", "--loop", "2"}, "replaying 3", 6, "City anonymous A+B"},
		{[]string{events, "--loop", "2"}, "no document: Gone (query), 1 events: no operation of this name or hash", 4, "City Largest"},
	} {
		said, err := execute(t, t.Context(), append([]string{"replay", "--target", o.URL(), "--out", out}, c.args...)...)
		if err != nil || !strings.Contains(said, c.said) {
			t.Errorf("%v: %v\n%s", c.args, err, said)
			continue
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var f result.File
		if err := json.Unmarshal(raw, &f); err != nil || f.Run.Total.Requests != c.requests || f.Run.Total.Errors != 0 {
			t.Errorf("%v: %v, %d requests, failures %v", c.args, err, f.Run.Total.Requests, f.Run.Total.Failures)
		}
		for _, name := range strings.Fields(c.names) {
			found := false
			for _, op := range f.Run.Operations {
				found = found || op.Name == name && op.Stats.Requests > 0
			}
			if !found {
				t.Errorf("%v: no requests of %s", c.args, name)
			}
		}
	}
}

func TestReplayFromATopic(t *testing.T) {
	b, err := broker.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addresses()...), kgo.DefaultProduceTopic(broker.CostEvents))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for line := range strings.Lines(recordedEvents) {
		if err := client.ProduceSync(t.Context(), kgo.StringRecord(line)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	o := origintest.Start(t)
	said, err := execute(t, t.Context(), "replay", "--kafka", b.Addresses()[0], "--target", o.URL())
	if err != nil || !strings.Contains(said, "replaying 2 requests recorded in 10ms") || !strings.Contains(said, "Largest") {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestWrongUseOfReplay(t *testing.T) {
	log, events := written(t, "r.ndjson", recordedLog), written(t, "e.ndjson", strings.Split(recordedEvents, "\n")[2]+"\n")
	const to = "--target=http://127.0.0.1:1"
	for want, args := range map[string][]string{
		"replay takes one FILE":                   {},
		"or --kafka and no FILE":                  {log, to, "--kafka", "127.0.0.1:1"},
		"check the address (HOST:PORT)":           {to, "--kafka", "127.0.0.1:1"},
		"--target is needed":                      {log},
		"no such file":                            {log + "x", to},
		"is above 0":                              {log, to, "--speed", "0"},
		"it is 1 or more":                         {log, to, "--loop", "0"},
		"a workload gives documents":              {log, to, "-w", log},
		"leave --speed away":                      {log, to, "--speed", "2", "--arrivals", "constant:5"},
		"write NAME: VALUE":                       {log, to, "-H", "x"},
		"none of its 1 operations has a document": {events, to},
		"nothing to replay was found":             {log, to, "--format", "events"},
		`format "pcap" is unknown`:                {log, to, "--format", "pcap"},
	} {
		if _, err := execute(t, t.Context(), append([]string{"replay"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
