package line

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/feed"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// ending is why a subscription ended.
type ending uint8

const (
	endComplete ending = iota // the subgraph says so
	endRefused                // the subgraph answered with errors
	endLost                   // the subgraph is gone
	endSlow                   // the client is a whole queue behind
	endChanged                // there is another supergraph
	endExpired                // the token is no longer good
	endDraining
	endLimit
	endLeft // the client is gone
	endings
)

// ends has the name of each, as a label, and what the client is told; None: nothing.
var ends = [endings]struct {
	name string
	code codes.Code
}{
	{"complete", codes.None},
	{"refused", codes.None},
	{"lost", codes.SubscriptionLost},
	{"slow", codes.SubscriptionSlow},
	{"changed", codes.SubscriptionChanged},
	{"expired", codes.SubscriptionExpired},
	{"draining", codes.Draining},
	{"limit", codes.SubscriptionLimit},
	{"left", codes.None},
}

// subscriptions counts those of clients.
type subscriptions struct {
	open          atomic.Int64
	begun, events atomic.Uint64
	ended         [endings]atomic.Uint64
}

// SubscriptionStats are the gauge of now (Open) and counts since New.
type SubscriptionStats struct {
	Open          int64
	Begun, Events uint64
	Ended         map[string]uint64 // by reason
}

// SubscriptionStats returns a snapshot.
func (l *Line) SubscriptionStats() SubscriptionStats {
	s := SubscriptionStats{Open: l.subs.open.Load(), Begun: l.subs.begun.Load(), Events: l.subs.events.Load(), Ended: make(map[string]uint64, endings)}
	for i := range ends {
		s.Ended[ends[i].name] = l.subs.ended[i].Load()
	}
	return s
}

// subscribable refuses a subscription that cannot be answered in the way it came.
func (l *Line) subscribable(x *Exchange, h *wire.RequestHead) bool {
	switch {
	case x.Batch || x.Head:
		x.Refusal = unanswerable("A subscription is asked for by a request of its own.")
	case !answer.Accepts(h.Header("accept"), eventStream):
		x.Refusal = Refusal{Code: codes.SubscriptionMedia}
	case x.Policy.Subscriptions.Hub.Full():
		x.Refusal = Refusal{Code: codes.SubscriptionLimit, RetryAfter: 1}
	default:
		return true
	}
	l.refuse(x)
	return false
}

// subscribes reports whether there is something to subscribe to; nothing is, when all that was asked for is skipped or denied.
func (l *Line) subscribes(x *Exchange) bool {
	it := &x.Items[0]
	for i := range it.fetches.Steps {
		if it.fetches.Steps[i].Kind == planner.FetchSubscription {
			x.streaming, x.Executed = streamEvents, true
			return true
		}
	}
	return false
}

// events is where those of a subscription go. An error says that the client is gone.
type events interface {
	next(body []byte) error
	beat() error
	end(why codes.Code) // None: it is complete
}

// follow carries a subscription out up to its end, and tells the client why it ended. It never waits for anybody but the client, and for the subgraphs
// that an event needs.
func (l *Line) follow(ctx context.Context, x *Exchange, out events, draining <-chan struct{}) {
	l.subs.begun.Add(1)
	l.subs.open.Add(1)
	why := endLeft
	defer func() { // if it panics, too
		l.subs.open.Add(-1)
		l.subs.ended[why].Add(1)
	}()
	why = l.deliver(ctx, x, out, draining)
	code := ends[why].code
	if code != codes.None {
		it := &x.Items[0]
		it.Code, it.Errors = code, it.Errors+1
	}
	if why != endLeft {
		out.end(code)
	}
}

// told is an answer that has nothing but the error.
func told(code codes.Code) []byte {
	return answer.AppendErrors(nil, []planner.Error{{Message: code.Message(), Code: code.String()}})
}

// deliver hands events on until something ends that.
func (l *Line) deliver(ctx context.Context, x *Exchange, out events, draining <-chan struct{}) ending {
	s, q, it := &x.Policy.Subscriptions, &x.execution, &x.Items[0]
	x.executes(it)
	target, payload, lines, _ := x.Policy.Executor.Subscription(q, nil)
	f, err := s.Hub.Subscribe(target, payload, headerOf(lines), x.initial)
	if err != nil {
		return endOf(err)
	}
	defer f.Close()
	expiry := newExpiry(x)
	defer expiry.stop()
	beat := time.NewTicker(s.Beat)
	defer beat.Stop()
	for {
		select {
		case event, open := <-f.Events():
			if !open {
				return l.over(ctx, x, out, f.Err())
			}
			if l.answerEvent(ctx, x, out, event) != nil {
				return endLeft
			}
			beat.Reset(s.Beat)
		case <-beat.C:
			if out.beat() != nil {
				return endLeft
			}
		case <-expiry.timer.C:
			if !expiry.renew(x) {
				return endExpired
			}
		case <-draining:
			return endDraining
		case <-ctx.Done():
			return endLeft
		}
	}
}

// answerEvent makes the client's answer of an event.
func (l *Line) answerEvent(ctx context.Context, x *Exchange, out events, event []byte) error {
	began := time.Now()
	q, it := &x.execution, &x.Items[0]
	q.Event = event
	body, stats := x.Policy.Executor.Execute(ctx, q, x.executed[:0])
	if x.executed = body; cap(body) > keptExecuted {
		x.executed = nil
	}
	it.subgraphs = q.Uses
	x.Fetches += stats.Fetches
	it.Errors = uint16(min(int(it.Errors)+stats.Errors, math.MaxUint16))
	x.worked += int64(time.Since(began))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	x.events++
	l.subs.events.Add(1)
	return out.next(body)
}

// over is what becomes of a feed that ended. What a subgraph says in errors goes the way of all errors of subgraphs.
func (l *Line) over(ctx context.Context, x *Exchange, out events, err error) ending {
	var refused *feed.Refused
	if !errors.As(err, &refused) {
		return endOf(err)
	}
	event := append(append([]byte(`{"errors":`), refused.Errors...), '}')
	if l.answerEvent(ctx, x, out, event) != nil {
		return endLeft
	}
	return endRefused
}

func endOf(err error) ending {
	switch {
	case err == nil:
		return endComplete
	case errors.Is(err, feed.ErrSlow):
		return endSlow
	case errors.Is(err, feed.ErrShut):
		return endChanged
	case errors.Is(err, feed.ErrFull):
		return endLimit
	}
	return endLost
}

// headerOf reads header lines, each with its CRLF.
func headerOf(lines []byte) http.Header {
	h := http.Header{}
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			h.Add(string(name), string(bytes.TrimSpace(value)))
		}
	}
	return h
}

// expiry ends a subscription with the token that it began with.
type expiry struct{ timer *time.Timer }

func newExpiry(x *Exchange) expiry {
	e := expiry{time.NewTimer(math.MaxInt64)}
	if x.rights.verified() != nil {
		e.set(x)
	}
	return e
}

func (e *expiry) set(x *Exchange) {
	if x.rights.until != math.MaxInt64 {
		e.timer.Reset(time.Until(time.Unix(0, x.rights.until)))
	}
}

// renew looks at the token again: its time has come, as far as was known.
func (e *expiry) renew(x *Exchange) bool {
	r := &x.rights
	r.looked, r.now = false, time.Now().UnixNano()
	if r.verified() == nil {
		return false
	}
	e.set(x)
	return true
}

func (e *expiry) stop() { e.timer.Stop() }
