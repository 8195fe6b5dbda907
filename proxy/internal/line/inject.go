package line

import (
	"context"
	"net/http"
	"strconv"

	"github.com/weirproxy/weir/cache"
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

// Inject appends the request in the form that also asks for the keys of the entities in its answer, so that their tags are exact; received is
// its head as it came. It returns nil when there is nothing to ask for, or the upstream may refuse it: only documents are changed, never
// persisted operations. Whatever is not understood of the answer, the request is relayed as it came.
func (l *Line) Inject(dst []byte, x *Exchange, h *wire.RequestHead, received, body []byte) []byte {
	if !x.Policy.Cache.InjectKeys || !x.GraphQL || x.Batch || x.Get || x.Head || h.Framing != wire.Length || len(x.Items) != 1 {
		return nil
	}
	it := &x.Items[0]
	if it.fill == nil || len(it.request.Query) == 0 || len(it.request.APQHash) > 0 || it.Plan.Injected() == "" {
		return nil
	}
	var ok bool
	if x.scratch, ok = it.Plan.AppendInjectedRequest(x.scratch[:0], body); !ok {
		return nil
	}
	for i, c := range received { // the request line
		if c == '\n' {
			dst = append(dst, received[:i+1]...)
			break
		}
	}
	h.VisitHeaders(func(name, value []byte) bool {
		if !is(name, "content-length") {
			dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
		}
		return true
	})
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(x.scratch)), 10)
	return append(append(dst, "\r\n\r\n"...), x.scratch...)
}

// FinishInjected reads the answer to what Inject returned, takes out what was added and offers it to the cache. True says that it is stored and
// answers the request. Otherwise the request has to be relayed as it came: the client shall get the origin's own words, also where they tell
// of errors.
func (l *Line) FinishInjected(_ context.Context, x *Exchange, r *wire.ResponseHead, content []byte, now int64) bool {
	it := &x.Items[0]
	plain, ok := x.decoded(r, content)
	if !ok || it.fill == nil || r.Status != http.StatusOK {
		l.stats.injected[injectedUnlike].Add(1)
		return false
	}
	it.tags.Reset()
	facts := it.Plan.InspectInjected(plain, &it.tags)
	if !facts.Readable || facts.HasErrors || !facts.HasData {
		l.stats.injected[injectedUnlike].Add(1)
		return false
	}
	body, ok := it.Plan.StripInjected(x.plain[:0], plain)
	if x.plain = body; !ok {
		l.stats.injected[injectedUnlike].Add(1)
		return false
	}
	x.Injected = true
	l.offer(x, it, r, body, facts.Relocate(body), now)
	if it.kept == nil {
		x.Injected = false
		l.stats.injected[injectedNotKept].Add(1)
		return false
	}
	l.stats.injected[injectedUsed].Add(1)
	it.Entry, it.State = it.kept, cache.Fresh
	return true
}

// InjectFailed counts a fetch that brought no answer.
func (l *Line) InjectFailed() { l.stats.injected[injectedFailed].Add(1) }
