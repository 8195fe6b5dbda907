package workload

import (
	"bytes"
	"slices"

	"github.com/weirproxy/weir/bench/internal/load"
)

// Judge says what an answer is worth, and whether the server has to be given the document first.
func (s *stream) Judge(a *load.Reply, index int) (failure string, again bool) {
	st := &s.slots[index]
	o := &s.w.operations[st.operation]
	accepted := a.Status == 200
	if o.status != nil {
		accepted = slices.Contains(o.status, a.Status)
	}
	if a.Status == 200 || !accepted {
		failure = Scan(a.Body, o.batch)
	}
	if failure != "" && o.persist == apq && !st.again && unknownDocument(a.Body) {
		return "", true
	}
	switch {
	case !accepted:
		return FailStatus, false
	case failure != "":
		return failure, false
	}
	if len(o.checks) > 0 {
		return o.check(a, st), false
	}
	return "", false
}

// unknownDocument reports whether an answer with errors says that a hash is not known; servers write the code, or only the message.
func unknownDocument(body []byte) bool {
	return bytes.Contains(body, []byte("PERSISTED_QUERY_NOT_FOUND")) || bytes.Contains(body, []byte("PersistedQueryNotFound"))
}
