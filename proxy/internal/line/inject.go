package line

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Results of fetches with injected keys; their names are metric labels.
const (
	injectedUsed    = iota // the answer is stored, and answers
	injectedNotKept        // it may not be stored: the request is relayed as it came
	injectedUnlike         // it is no answer without errors, or could not be read: likewise
	injectedFailed         // there was none
	injectedResults
)

var injectedNames = [injectedResults]string{"used", "not_kept", "unlike", "failed"}

// Reasons for which a request that could have been asked with keys is sent as it came; their names are metric labels.
const (
	uninjectedBatch   = iota // it is a batch with an operation whose answer is not awaited by the cache
	uninjectedFraming        // its body comes in chunks
	uninjectedMixed          // it has what could be mixed up with our aliases, or is not understood
	uninjectedLong           // the target would be too long
	uninjectedReasons
)

var uninjectedNames = [uninjectedReasons]string{"batch", "framing", "mixed_up", "too_long"}

// longestTarget is what servers and what stands before them take, by their defaults.
const longestTarget = 4 << 10

// Inject appends the request in the form that also asks for the keys of the entities in its answer, so that their tags are exact; received is
// its head as it came. It returns nil when there is nothing to ask for, or no way to. A persisted operation is sent as the document it stands
// for: who sets cache.inject_keys says that the upstream accepts any. Whatever is not understood of the answer, the request is relayed as it
// came.
func (l *Line) Inject(dst []byte, x *Exchange, h *wire.RequestHead, received, body []byte) []byte {
	if !x.Policy.Cache.InjectKeys || !x.GraphQL || x.Head || !x.injectable() {
		return nil
	}
	out, skipped := l.inject(dst, x, h, received, body)
	if out == nil {
		l.stats.uninjected[skipped].Add(1)
	}
	return out
}

// injectable reports whether the cache awaits an answer that could tell more.
func (x *Exchange) injectable() bool {
	for i := range x.Items {
		if it := &x.Items[i]; it.fill != nil && it.Plan.Injected() != "" {
			return true
		}
	}
	return false
}

func (l *Line) inject(dst []byte, x *Exchange, h *wire.RequestHead, received, body []byte) (out []byte, skipped int) {
	line := received[:bytes.IndexByte(received, '\n')+1]
	if x.Get {
		if dst, skipped = x.injectTarget(dst, line); dst == nil {
			return nil, skipped
		}
		return append(appendFields(dst, h), "\r\n"...), 0
	}
	if h.Framing != wire.Length {
		return nil, uninjectedFraming
	}
	var ok bool
	if x.Batch {
		for i := range x.Items {
			if x.Items[i].fill == nil { // its answer would have to come from here, too
				return nil, uninjectedBatch
			}
		}
		x.scratch, ok = x.injectBatch(x.scratch[:0], body)
	} else {
		x.scratch, ok = x.Items[0].Plan.AppendInjectedRequest(x.scratch[:0], body)
	}
	if !ok {
		return nil, uninjectedMixed
	}
	dst = appendFields(append(dst, line...), h)
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(x.scratch)), 10)
	return append(append(dst, "\r\n\r\n"...), x.scratch...), 0
}

// appendFields appends the fields of the head but for those that do not hold for what is sent: an answer that was not asked for is of no use.
func appendFields(dst []byte, h *wire.RequestHead) []byte {
	h.VisitHeaders(func(name, value []byte) bool {
		if !is(name, "content-length") && !is(name, "if-none-match") && !is(name, "if-modified-since") {
			dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
		}
		return true
	})
	return dst
}

// injectBatch appends the batch with the injected form of each operation that has one.
func (x *Exchange) injectBatch(dst, body []byte) (_ []byte, ok bool) {
	items, err := planner.SplitBatch(body, x.batch[:0])
	if x.batch = items; err != nil || len(items) != len(x.Items) {
		return dst, false
	}
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if x.Items[i].Plan.Injected() == "" {
			dst = append(dst, item...)
		} else if dst, ok = x.Items[i].Plan.AppendInjectedRequest(dst, item); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// injectTarget appends the request line of a GET with the injected operation as its document. What else is asked by the target stays.
func (x *Exchange) injectTarget(dst, line []byte) (out []byte, skipped int) {
	it := &x.Items[0]
	begin, end := bytes.IndexByte(line, '?')+1, bytes.LastIndexByte(line, ' ')
	prefix := []byte(planner.InjectedPrefix)
	if begin == 0 || end < begin || bytes.Contains(it.request.Variables, prefix) || bytes.Contains(it.request.Extensions, prefix) || bytes.Contains(line, prefix) {
		return nil, uninjectedMixed
	}
	n := len(dst)
	dst = append(append(dst, line[:begin]...), "query="...)
	dst = append(dst, url.QueryEscape(it.Plan.Injected())...)
	for rest := line[begin:end]; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte("&"))
		name, _, _ := bytes.Cut(pair, []byte("="))
		switch {
		case string(name) == "query":
		case string(name) == "extensions" && len(it.request.APQHash) > 0:
			plain, _ := planner.AppendUnpersisted(nil, it.request.Extensions)
			dst = append(append(dst, "&extensions="...), url.QueryEscape(string(plain))...)
		default:
			dst = append(append(dst, '&'), pair...)
		}
	}
	if len(dst)-n > longestTarget {
		return nil, uninjectedLong
	}
	return append(dst, line[end:]...), 0
}

// FinishInjected reads the answer to what Inject returned, takes out what was added and offers it to the cache. True says that it is stored, all
// of a batch, and answers the request. Otherwise the request has to be relayed as it came: the client shall get the origin's own words, also
// where they tell of errors.
func (l *Line) FinishInjected(_ context.Context, x *Exchange, r *wire.ResponseHead, content []byte, now int64) bool {
	result := l.finishInjected(x, r, content, now)
	l.stats.injected[result].Add(1)
	x.Injected = result == injectedUsed
	return x.Injected
}

func (l *Line) finishInjected(x *Exchange, r *wire.ResponseHead, content []byte, now int64) (result int) {
	plain, ok := x.decoded(r, content)
	if !ok || r.Status != http.StatusOK {
		return injectedUnlike
	}
	if !x.Batch {
		return l.finishInjectedItem(x, &x.Items[0], r, plain, now)
	}
	var err *planner.Error
	if x.batch, err = planner.SplitBatch(plain, x.batch[:0]); err != nil || len(x.batch) != len(x.Items) {
		return injectedUnlike
	}
	for i := range x.Items {
		if result = l.finishInjectedItem(x, &x.Items[i], r, x.batch[i], now); result != injectedUsed {
			return result
		}
	}
	return injectedUsed
}

func (l *Line) finishInjectedItem(x *Exchange, it *Item, r *wire.ResponseHead, answer []byte, now int64) (result int) {
	if it.fill == nil {
		return injectedUnlike
	}
	it.tags.Reset()
	added := it.Plan.Injected() != ""
	var facts planner.Facts
	if added {
		facts = it.Plan.InspectInjected(answer, &it.tags)
	} else {
		facts = it.Plan.Inspect(answer, &it.tags)
	}
	if !facts.Readable || facts.HasErrors || !facts.HasData {
		return injectedUnlike
	}
	if added {
		body, ok := it.Plan.StripInjected(x.plain[:0], answer)
		if x.plain = body; !ok {
			return injectedUnlike
		}
		answer, facts = body, facts.Relocate(body)
	}
	x.Injected = true // its entity tag is ours
	l.offer(x, it, r, answer, facts, now)
	if it.kept == nil {
		return injectedNotKept
	}
	it.Entry, it.State = it.kept, cache.Fresh
	return injectedUsed
}

// InjectFailed counts a fetch that brought no answer.
func (l *Line) InjectFailed() { l.stats.injected[injectedFailed].Add(1) }
