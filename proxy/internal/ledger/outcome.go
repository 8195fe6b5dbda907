package ledger

// Outcome is what the cache did about one operation.
type Outcome uint8

// Outcomes. None is an operation that the cache has nothing to do with.
const (
	None Outcome = iota
	HitL1
	HitL2
	HitStale     // expired, and fetched anew behind the answer
	HitOnError   // expired or not, and the upstream failed
	HitUnasked   // expired or not, and the breaker of the upstream is open
	HitCollapsed // from the fetch of another request
	HitNegative  // there is nothing, as is known
	MissAbsent
	MissExpired
	MissInvalid
	MissDisconnected // too old to be trusted without the invalidation log
	MissClock        // from the future: a clock jumped
	MissWaited       // the fetch of another request gave nothing in time
	MissStale        // expired for too long to answer while it is fetched
	MissBatch        // there, and fetched all the same with the rest of its batch
	BypassOperation  // not cacheable, or not valid
	BypassScope      // credentials, and no rule for them
	BypassIdentity   // an answer for some, and who asks is not known
	BypassHeaders    // headers or media types that no entry is made for
	BypassCommand    // by command
	BypassAnswer     // its answer could not be kept a short time ago
	outcomes
)

var names = [outcomes]struct{ kind, reason string }{
	HitL1: {"hit", "l1"}, HitL2: {"hit", "l2"}, HitStale: {"hit", "stale"}, HitOnError: {"hit", "on_error"}, HitUnasked: {"hit", "breaker"}, HitCollapsed: {"hit", "collapsed"},
	HitNegative: {"hit", "negative"}, MissAbsent: {"miss", "absent"}, MissExpired: {"miss", "expired"}, MissInvalid: {"miss", "invalid"},
	MissDisconnected: {"miss", "disconnected"}, MissClock: {"miss", "clock"}, MissWaited: {"miss", "waited"}, MissStale: {"miss", "stale"},
	MissBatch: {"miss", "batch"}, BypassOperation: {"bypass", "operation"}, BypassScope: {"bypass", "scope"},
	BypassIdentity: {"bypass", "identity"}, BypassHeaders: {"bypass", "headers"}, BypassCommand: {"bypass", "command"},
	BypassAnswer: {"bypass", "answer"},
}

// Kind is hit, miss or bypass; empty for None and what is no outcome.
func (o Outcome) Kind() string {
	if o >= outcomes {
		return ""
	}
	return names[o].kind
}

// Reason tells the outcomes of a kind apart.
func (o Outcome) Reason() string {
	if o >= outcomes {
		return ""
	}
	return names[o].reason
}

// Hit reports whether an entry answered.
func (o Outcome) Hit() bool { return o >= HitL1 && o <= HitNegative }
