package load

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/acked"
)

// event is one line of a recorded history: times in milliseconds since its start.
type event struct {
	At     int64
	Ack    *int // target of a mutation's answer
	Read   *int // target of a read sent
	Entity string
	V      int64
	Late   bool // the mutation's answer said that the log did not have it yet
	Stale  bool // what the checker must say
	Said   bool // and that it was announced
}

// TestCheckerFindsTheStaleReads replays recorded histories: a checker that cannot see a stale answer proves nothing.
func TestCheckerFindsTheStaleReads(t *testing.T) {
	f, err := os.Open("testdata/history.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := NewLedger()
	start := time.Now()
	stale := 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		at := start.Add(time.Duration(e.At) * time.Millisecond)
		if e.Ack != nil {
			l.acks.Add([]byte(e.Entity), acked.Ack{Target: *e.Ack, Version: e.V, At: at, Logged: !e.Late})
			continue
		}
		body := append([]byte(`{"data":{"city":{"id":"`), e.Entity...)
		body = append(body, `","revision":`...)
		body = append(append(body, byte('0'+e.V)), `,"name":"x"}}}`...)
		found, said := false, false
		if entities := l.Check(*e.Read, body, at, func(s Stale) { found, said = !s.Announced, s.Announced }); entities != 1 {
			t.Errorf("line %d: %d entities seen", n, entities)
		}
		if found != e.Stale || said != e.Said {
			t.Errorf("line %d: %+v: stale is %v, announced %v", n, e, found, said)
		}
		if found {
			stale++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if stale != 7 {
		t.Errorf("%d stale reads found, the history has 7", stale)
	}
}
