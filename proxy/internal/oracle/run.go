package oracle

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// Patience is for how long nothing may move in a play before it is cut off as stuck: a play of single bytes on a busy machine may take longer.
const Patience = 20 * time.Second

// Differences plays the scenario and returns what is not as it should be; nothing means that the sidecar passes.
func Differences(start Dialer, s Scenario, patience time.Duration) ([]string, error) {
	want := Result{}
	if s.Refuse == (Refusal{}) {
		var err error
		if want, err = once(Direct, s, patience); err != nil {
			return nil, err
		}
		if bad := notes(want); len(bad) > 0 {
			return nil, fmt.Errorf("the scenario does not play without a sidecar: %v", bad)
		}
	}
	got, err := once(start, s, patience)
	if err != nil {
		return nil, err
	}
	return judge(s, want, got), nil
}

func once(start Dialer, s Scenario, patience time.Duration) (Result, error) {
	th, err := open(start, patience)
	if err != nil {
		return Result{}, err
	}
	defer th.close()
	return th.play(s)
}

// Run fails the test when the sidecar is not as the scenario says.
func Run(t *testing.T, start Dialer, s Scenario) {
	t.Helper()
	differences, err := Differences(start, s, Patience)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

// RunSplits plays all Splits of the scenario through one sidecar; the reference is played once, for splits are not to be seen.
func RunSplits(t *testing.T, start Dialer, s Scenario) {
	t.Helper()
	want := Result{}
	if s.Refuse == (Refusal{}) {
		var err error
		if want, err = once(Direct, s, Patience); err != nil {
			t.Fatal(err)
		}
	}
	th, err := open(start, Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer th.close()
	for c := range Splits(s) {
		got, err := th.play(c)
		if err != nil {
			t.Fatal(err)
		}
		if differences := judge(c, want, got); len(differences) > 0 {
			t.Errorf("client split at %d, origin split at %d (%d: each byte): %v", c.CutClient, c.CutOrigin, Drip, differences)
			return
		}
	}
}

// judge compares.
func judge(s Scenario, want, got Result) []string {
	if s.Refuse != (Refusal{}) {
		return judgeRefusal(s.Refuse, got)
	}
	out := notes(got)
	out = append(out, compare("client", want.Client, got.Client)...)
	if len(want.Origins) != len(got.Origins) {
		out = append(out, fmt.Sprintf("the origin sees %d connections, want %d", len(got.Origins), len(want.Origins)))
	}
	for i := range min(len(want.Origins), len(got.Origins)) {
		out = append(out, compare("origin", want.Origins[i], got.Origins[i])...)
	}
	if s.MaxHeap > 0 && got.Heap > s.MaxHeap {
		out = append(out, fmt.Sprintf("the heap grew by %d bytes, bound %d", got.Heap, s.MaxHeap))
	}
	return out
}

// notes are the scripts that did not come to their end.
func notes(r Result) (out []string) {
	if r.Client.Note != "" {
		out = append(out, "client: "+r.Client.Note)
	}
	for _, o := range r.Origins {
		if o.Note != "" {
			out = append(out, "origin: "+o.Note)
		}
	}
	return out
}

func compare(who string, want, got Record) (out []string) {
	if want.Total != got.Total || want.Sum != got.Sum {
		i := 0
		for i < len(want.Kept) && i < len(got.Kept) && want.Kept[i] == got.Kept[i] {
			i++
		}
		out = append(out, fmt.Sprintf("the %s receives %d bytes, want %d; they differ from offset %d: %q, want %q",
			who, got.Total, want.Total, i, near(got.Kept, i), near(want.Kept, i)))
	}
	if want.End != got.End {
		out = append(out, fmt.Sprintf("the %s sees the other side's end as %v, want %v", who, got.End, want.End))
	}
	return out
}

func near(b []byte, i int) []byte { return b[max(0, i-20):min(len(b), i+60)] }

// judgeRefusal wants one answer with the status and the code, then the end, and an origin that saw nothing.
func judgeRefusal(want Refusal, got Result) (out []string) {
	for _, o := range got.Origins {
		if o.Total > 0 {
			out = append(out, fmt.Sprintf("the origin receives %q", near(o.Kept, 0)))
		}
	}
	out = append(out, judgeAnswer(want, got.Client.Kept)...)
	if got.Client.End != EOF {
		out = append(out, fmt.Sprintf("the client sees the end as %v, want EOF", got.Client.End))
	}
	return out
}

// judgeAnswer reads the answer to a refused request, which must be the only one.
func judgeAnswer(want Refusal, b []byte) []string {
	in := bufio.NewReader(bytes.NewReader(b))
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return []string{fmt.Sprintf("the client receives no answer but %q: %v", near(b, 0), err)}
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	rest, _ := io.ReadAll(in)
	if err != nil || answer.StatusCode != want.Status || answer.Header.Get("Weir-Error") != want.Code || !answer.Close || len(rest) > 0 {
		return []string{fmt.Sprintf("the client receives %q (%v), want status %d, Weir-Error: %s, Connection: close and no more", b, err, want.Status, want.Code)}
	}
	return nil
}
