package subgraph

import (
	"net"
	"testing"
	"time"
)

func TestALeashEndsWhatItHoldsAndWhatComesLater(t *testing.T) {
	begun := make(chan struct{}, 1)
	client := scripted(t, func(_ int, s net.Conn) {
		if request(s) {
			begun <- struct{}{}
			request(s) // there is no answer
		}
	})
	var l Leash
	var k Call
	begin := time.Now()
	a := Ask{Body: []byte("ask!"), Deadline: begin.Add(time.Minute), Leash: &l}
	if err := k.Send(t.Context(), client, a); err != nil {
		t.Fatal(err)
	}
	<-begun
	if !l.Busy() {
		t.Error("it holds nothing")
	}
	l.Leave()
	if _, _, err := k.Receive(); err == nil || l.Busy() {
		t.Errorf("%v, busy: %v", err, l.Busy())
	}
	if err := k.Send(t.Context(), client, a); err == nil {
		t.Error("a call after the client had left was sent")
	}
	if time.Since(begin) > 30*time.Second || client.Stats().Failed["timeout"] != 0 {
		t.Errorf("%s, %v", time.Since(begin), client.Stats().Failed)
	}
}

func TestALeashEndsAWaitForAPlace(t *testing.T) {
	client := scripted(t, func(_ int, s net.Conn) { request(s) })
	client.calls = make(chan struct{}, 1)
	client.calls <- struct{}{}
	var l Leash
	var k Call
	done := make(chan error, 1)
	go func() {
		done <- k.Send(t.Context(), client, Ask{Body: []byte("ask!"), Deadline: time.Now().Add(time.Minute), Leash: &l})
	}()
	for !l.Busy() {
		time.Sleep(time.Millisecond)
	}
	l.Leave()
	if err := <-done; err == nil {
		t.Error("it was sent")
	}
}
