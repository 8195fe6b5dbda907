package event

// Topics.
const (
	CostTopic = "finops.cost.events" // keyed by service
	LossTopic = "weir.loss"          // keyed by service
	// UsageTopic is keyed by service.
	UsageTopic = "weir.schema.usage"
)

// Types of CloudEvents.
const (
	CostType = "weir.cost.v1"
	LossType = "weir.loss.v1"
	// UsageType is that of Usage.
	UsageType = "weir.schema.usage.v1"
)

// SchemaVersion is that of Cost, Loss and Usage. Its minor number grows when members are added, which readers pass over; 1.1: subgraphs; 1.2: their points.
const SchemaVersion = "1.2"

// Envelope is a CloudEvents 1.0 event in structured mode (JSON format).
type Envelope[T any] struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Time            string `json:"time"` // RFC 3339, µs, UTC
	DataContentType string `json:"datacontenttype"`
	Data            T      `json:"data"`
}

// Quantities are what an operation used.
type Quantities struct {
	ProxyCPUUS int64 `json:"proxy_cpu_us"` // CPU of the sidecar, µs; an even share of the process's
	UpstreamUS int64 `json:"upstream_us"`  // time at the upstream, µs
	Fetches    int64 `json:"fetches"`      // calls of the upstream
	BytesIn    int64 `json:"bytes_in"`     // of the request
	BytesOut   int64 `json:"bytes_out"`    // of the answer
	CacheOps   int64 `json:"cache_ops"`    // operations of the cache
	Points     int64 `json:"points"`       // static cost of the operation, @cost points
}

// Subgraph is what an operation took of one subgraph. Fetches that ran side by side all count with their whole time.
type Subgraph struct {
	Name          string `json:"name"`
	Fetches       int64  `json:"fetches"`        // hedges included, retries left aside
	Shared        int64  `json:"shared"`         // beside these: the answer to an identical one was under way
	Errors        int64  `json:"errors"`         // of both: without a usable answer, or with errors in it
	Cached        int64  `json:"cached"`         // entities, and steps of root fields, that the cache had
	BytesSent     int64  `json:"bytes_sent"`     // content of the requests
	BytesReceived int64  `json:"bytes_received"` // content of the answers
	US            int64  `json:"us"`             // until each answer was read, µs
	Points        int64  `json:"points"`         // static cost of the fetches that were needed, from the cache or not, @cost points
}

// Cost is the cost event of one GraphQL operation. It holds no query text, no variables and no raw user id.
type Cost struct {
	EventID          string            `json:"event_id"` // instance-boot-sequence: the same when it is sent again
	Timestamp        string            `json:"timestamp"`
	SchemaVersion    string            `json:"schema_version"`
	EventType        string            `json:"event_type"`
	Service          string            `json:"service"`
	Region           string            `json:"region"`
	ResourceID       string            `json:"resource_id"`
	BusinessUnit     string            `json:"business_unit"`
	ProjectID        string            `json:"project_id"`
	Environment      string            `json:"environment"`
	Tenant           string            `json:"tenant"`
	Client           string            `json:"client"`
	Operation        string            `json:"operation"`
	OperationHash    string            `json:"operation_hash"` // hex
	OperationKind    string            `json:"operation_kind"`
	CostAmount       string            `json:"cost_amount"`  // decimal, exact to the pico-dollar
	SavedAmount      string            `json:"saved_amount"` // what the entry's fill cost beyond this hit; never part of cost
	Currency         string            `json:"currency"`
	PriceBookVersion string            `json:"price_book_version"`
	Quantities       Quantities        `json:"quantities"`
	Subgraphs        []Subgraph        `json:"subgraphs,omitempty"` // that the operation needed; supergraph mode only
	CacheStatus      string            `json:"cache_status"`
	Status           int               `json:"status"`
	Code             string            `json:"code"` // of an error the sidecar made; empty
	Errors           int               `json:"errors"`
	AnomalyScore     float64           `json:"anomaly_score"` // 0..1
	LatencyUS        int64             `json:"latency_us"`
	TraceID          string            `json:"trace_id"` // hex; empty
	Metadata         map[string]string `json:"metadata"`
}

// Usage tells which fields a client used in an interval: how many of its operations asked for a field, once for each operation. Counts of all
// events of all sidecars add up.
type Usage struct {
	EventID       string       `json:"event_id"`
	SchemaVersion string       `json:"schema_version"`
	EventType     string       `json:"event_type"`
	Service       string       `json:"service"`
	Instance      string       `json:"instance"`
	Environment   string       `json:"environment"`
	Client        string       `json:"client"` // empty: it has no name
	From          string       `json:"from"`   // RFC 3339, µs, UTC
	To            string       `json:"to"`
	Part          int          `json:"part"`       // of an interval's fields of the client
	Operations    uint64       `json:"operations"` // of the client in the interval; in part 0 only
	Overflow      uint64       `json:"overflow"`   // operations of all clients that were not counted, told once
	Fields        []FieldUsage `json:"fields"`
}

// FieldUsage is how many operations asked for a field. Type is where it was asked for, which may be an interface.
type FieldUsage struct {
	Type  string `json:"type"`
	Field string `json:"field"`
	Count uint64 `json:"count"`
}

// Loss tells that events were dropped, so that a reader can prove the hole.
type Loss struct {
	EventID       string `json:"event_id"`
	SchemaVersion string `json:"schema_version"`
	EventType     string `json:"event_type"`
	Service       string `json:"service"`
	Instance      string `json:"instance"`
	Boot          string `json:"boot"`
	Reason        string `json:"reason"`
	Count         uint64 `json:"count"`
	FirstSequence uint64 `json:"first_sequence"` // of the events dropped; between them others may have arrived
	LastSequence  uint64 `json:"last_sequence"`
}
