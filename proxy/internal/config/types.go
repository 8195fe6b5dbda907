package config

import "github.com/weirproxy/weir/proxy/internal/scope"

// File is the whole document. Durations are written as 250ms, 10s, 5m, 2h; sizes as 512, 64KiB, 8MiB, 1GiB.
type File struct {
	Listen                List        `yaml:"listen" json:"listen,omitempty" jsonschema:"description=Addresses for clients: HOST:PORT or unix:PATH"`
	Admin                 string      `yaml:"admin" json:"admin,omitempty" jsonschema:"description=Address of the admin listener; keep it on loopback"`
	Upstream              string      `yaml:"upstream" json:"upstream,omitempty" jsonschema:"description=The service behind: http://HOST:PORT\\, https://HOST:PORT or unix:PATH"`
	Supergraph            Supergraph  `yaml:"supergraph" json:"supergraph,omitempty" jsonschema:"description=Operations are executed over the subgraphs of a supergraph\\, in place of an upstream"`
	UpstreamCA            string      `yaml:"upstream_ca" json:"upstream_ca,omitempty" jsonschema:"description=PEM file with the authorities that an https upstream's certificate may be from; default: those of the system"`
	UpstreamName          string      `yaml:"upstream_server_name" json:"upstream_server_name,omitempty" jsonschema:"description=Name that an https upstream's certificate must be for; default: the host of upstream"`
	Schema                string      `yaml:"schema" json:"schema,omitempty" jsonschema:"description=SDL file; without one the upstream is introspected"`
	Introspection         string      `yaml:"introspection_interval" json:"introspection_interval,omitempty" jsonschema:"description=How often the upstream is introspected; 0 for never"`
	Redis                 List        `yaml:"redis" json:"redis,omitempty" jsonschema:"description=HOST:PORT of one server or of a cluster's nodes; with redis_master of Sentinels"`
	RedisCluster          bool        `yaml:"redis_cluster" json:"redis_cluster,omitempty" jsonschema:"description=redis names nodes of a cluster; several addresses without redis_master do so in any case"`
	RedisMaster           string      `yaml:"redis_master" json:"redis_master,omitempty" jsonschema:"description=Name of the master that the Sentinels in redis watch"`
	RedisUsername         string      `yaml:"redis_username" json:"redis_username,omitempty" jsonschema:"description=User of Redis; the rights it needs: ~weir:* ~{weir}:* -@all and the commands that the log names when one is missing"`
	RedisPassword         string      `yaml:"redis_password" json:"redis_password,omitempty" jsonschema:"description=${NAME} takes it from the environment"`
	RedisSentinelUsername string      `yaml:"redis_sentinel_username" json:"redis_sentinel_username,omitempty" jsonschema:"description=User of the Sentinels; they do not know those of the servers"`
	RedisSentinelPassword string      `yaml:"redis_sentinel_password" json:"redis_sentinel_password,omitempty" jsonschema:"description=${NAME} takes it from the environment"`
	RedisDB               int         `yaml:"redis_db" json:"redis_db,omitempty" jsonschema:"description=Database of the server; a cluster has only 0"`
	RedisTLS              *TLS        `yaml:"redis_tls" json:"redis_tls,omitempty" jsonschema:"description=Connect to Redis by TLS; {} trusts the authorities of the system"`
	Namespace             string      `yaml:"namespace" json:"namespace,omitempty" jsonschema:"description=Tells fleets apart that share a Redis"`
	Kafka                 List        `yaml:"kafka" json:"kafka,omitempty" jsonschema:"description=HOST:PORT of brokers"`
	KafkaTLS              *TLS        `yaml:"kafka_tls" json:"kafka_tls,omitempty" jsonschema:"description=Connect to Kafka by TLS\\, to the brokers of invalidation too; {} trusts the authorities of the system"`
	KafkaSASL             *KafkaSASL  `yaml:"kafka_sasl" json:"kafka_sasl,omitempty" jsonschema:"description=Sign in to Kafka\\, to the brokers of invalidation too"`
	KafkaTopic            string      `yaml:"kafka_topic" json:"kafka_topic,omitempty" jsonschema:"description=Topic of cost events"`
	Usage                 string      `yaml:"usage_interval" json:"usage_interval,omitempty" jsonschema:"description=How often to tell on the topic weir.schema.usage which client used which field; 0 for never"`
	UsageMetrics          bool        `yaml:"usage_metrics" json:"usage_metrics,omitempty" jsonschema:"description=Count in metrics too how many operations asked for each field: weir_schema_field_usage_total for up to 2000 fields"`
	EventsMode            string      `yaml:"events" json:"events,omitempty" jsonschema:"enum=structured,enum=binary,description=CloudEvents mode"`
	Invalidation          ChangeFeeds `yaml:"invalidation" json:"invalidation,omitempty" jsonschema:"description=Kafka topics that say what has changed"`
	Control               string      `yaml:"control" json:"control,omitempty" jsonschema:"description=URL of the control plane"`
	Token                 string      `yaml:"token" json:"token,omitempty" jsonschema:"description=For the control plane; ${NAME} takes it from the environment"`
	PublicKey             string      `yaml:"public_key" json:"public_key,omitempty" jsonschema:"description=Ed25519 key in base64 that pushed configurations must be signed with"`
	PriceBook             string      `yaml:"price_book" json:"price_book,omitempty" jsonschema:"description=YAML file; without one the built-in book"`
	State                 string      `yaml:"state" json:"state,omitempty" jsonschema:"description=Folder for the last good configuration"`
	Cache                 string      `yaml:"cache" json:"cache,omitempty" jsonschema:"enum=on,enum=off,description=off: nothing is kept"`
	CacheMemory           string      `yaml:"cache_memory" json:"cache_memory,omitempty" jsonschema:"description=Size of the cache of this process"`
	CacheWarmUp           string      `yaml:"cache_warm_up" json:"cache_warm_up,omitempty" jsonschema:"description=For how long at most a start fills the cache with what the fleet asks for most before it reports that it is ready; 0s for not at all"`
	CacheSave             string      `yaml:"cache_save" json:"cache_save,omitempty" jsonschema:"enum=on,enum=off,description=Save the cache of this process in the state folder at the end and use what is still valid at the start"`
	CacheEncryption       Encryption  `yaml:"cache_encryption" json:"cache_encryption,omitempty" jsonschema:"description=Seal what stands in Redis; all sidecars of a fleet need the same keys"`
	CacheCompression      Compression `yaml:"cache_compression" json:"cache_compression,omitempty" jsonschema:"description=Of values in Redis"`
	Pprof                 bool        `yaml:"pprof" json:"pprof,omitempty" jsonschema:"description=Serve /debug/pprof on the admin listener"`
	Drain                 string      `yaml:"drain" json:"drain,omitempty" jsonschema:"description=How long to wait for requests that have begun at the end"`
	Identity              Identity    `yaml:"identity" json:"identity,omitempty" jsonschema:"description=Who events and metrics are from"`
	Log                   Log         `yaml:"log" json:"log,omitempty" jsonschema:"description=What is logged\\, and how"`
	Limits                Process     `yaml:"limits" json:"limits,omitempty" jsonschema:"description=What the process may take"`
	Policy                Policy      `yaml:"policy" json:"policy,omitempty" jsonschema:"description=What requests obey; a document with this key alone is what the control plane pushes\\, and it lies over the file's"`
}

// Identity is who events and metrics are from.
type Identity struct {
	Service      string `yaml:"service" json:"service,omitempty" jsonschema:"description=Name of the service behind"`
	Instance     string `yaml:"instance" json:"instance,omitempty" jsonschema:"description=Default: the host name"`
	Environment  string `yaml:"environment" json:"environment,omitempty" jsonschema:"description=Such as production"`
	Region       string `yaml:"region" json:"region,omitempty" jsonschema:"description=Such as eu-west-1"`
	ResourceID   string `yaml:"resource_id" json:"resource_id,omitempty" jsonschema:"description=What the bill calls the machine or the workload"`
	BusinessUnit string `yaml:"business_unit" json:"business_unit,omitempty" jsonschema:"description=Who pays"`
	ProjectID    string `yaml:"project_id" json:"project_id,omitempty" jsonschema:"description=What for"`
}

// Log says what is logged.
type Log struct {
	Level  string `yaml:"level" json:"level,omitempty" jsonschema:"enum=debug,enum=info,enum=warn,enum=error,description=The least that is logged"`
	Format string `yaml:"format" json:"format,omitempty" jsonschema:"enum=json,enum=console,description=json for machines\\, console for people"`
}

// Process bounds what the process takes.
type Process struct {
	Connections int    `yaml:"connections" json:"connections,omitempty" jsonschema:"description=Client connections; more get 503"`
	Head        string `yaml:"head" json:"head,omitempty" jsonschema:"description=Size of a request's head; more gets 431"`
	Memory      string `yaml:"memory" json:"memory,omitempty" jsonschema:"description=What the sidecar may take before it sheds load; default GOMEMLIMIT"`
}

// Policy is what requests obey. It is the document that the control plane pushes.
type Policy struct {
	Paths         []string     `yaml:"paths" json:"paths,omitempty" jsonschema:"description=Paths of the GraphQL endpoint"`
	Strict        bool         `yaml:"strict" json:"strict,omitempty" jsonschema:"description=Refuse requests that HTTP parsers differ about instead of passing them unread"`
	MaxBody       string       `yaml:"max_body" json:"max_body,omitempty" jsonschema:"description=Size of a body that is read; a larger one passes unread"`
	InspectWait   string       `yaml:"inspect_wait" json:"inspect_wait,omitempty" jsonschema:"description=A body that takes longer passes unread"`
	Batch         Limit        `yaml:"batch" json:"batch,omitempty" jsonschema:"description=Operations in one request"`
	Validation    string       `yaml:"validation" json:"validation,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=Of operations by the schema. observe counts invalid ones; enforce answers them with errors"`
	Variables     string       `yaml:"variables" json:"variables,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=Of variables by their types. observe counts wrong ones; enforce answers them with errors"`
	Introspection string       `yaml:"introspection" json:"introspection,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=enforce refuses introspection"`
	GetMutation   string       `yaml:"get_mutation" json:"get_mutation,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=enforce refuses mutations by GET"`
	AnswerErrors  bool         `yaml:"answer_errors" json:"answer_errors,omitempty" jsonschema:"description=Answer malformed requests instead of passing them to the origin"`
	Draft2026     bool         `yaml:"draft_2026" json:"draft_2026,omitempty" jsonschema:"description=Statuses of the GraphQL over HTTP draft of August 2026"`
	Expose        bool         `yaml:"expose" json:"expose,omitempty" jsonschema:"description=Add Weir-Cost and Weir-Anomaly to answers"`
	ClientHeaders []string     `yaml:"client_headers" json:"client_headers,omitempty" jsonschema:"description=Headers that name the client in events; the first present counts"`
	Limits        Limits       `yaml:"limits" json:"limits,omitempty" jsonschema:"description=Of the structure of an operation"`
	Unseen        Unseen       `yaml:"unseen" json:"unseen,omitempty" jsonschema:"description=Bound for documents that were not seen before"`
	Breaker       Breaker      `yaml:"breaker" json:"breaker,omitempty" jsonschema:"description=What becomes of requests at the GraphQL endpoint while the upstream fails"`
	Cache         CachePolicy  `yaml:"cache" json:"cache,omitempty" jsonschema:"description=What may be cached and for how long"`
	Scope         scope.Config `yaml:"scope" json:"scope,omitempty" jsonschema:"description=Who may share cached answers; without a rule\\, requests with Authorization or Cookie bypass the cache"`
	Deadlines     Deadlines    `yaml:"deadlines" json:"deadlines,omitempty" jsonschema:"description=Of the phases of a connection; 0s is no bound"`
}

// Limit is a bound and what happens beyond it.
type Limit struct {
	Max  int    `yaml:"max" json:"max,omitempty" jsonschema:"description=The bound"`
	Mode string `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=What is beyond the bound: off lets it pass; observe counts it; enforce refuses it"`
}

// Limits bound the structure of an operation.
type Limits struct {
	Tokens         Limit `yaml:"tokens" json:"tokens,omitempty" jsonschema:"description=Lexical tokens of the document"`
	Depth          Limit `yaml:"depth" json:"depth,omitempty" jsonschema:"description=Levels of nested fields"`
	Aliases        Limit `yaml:"aliases" json:"aliases,omitempty" jsonschema:"description=Fields with an alias"`
	RootFields     Limit `yaml:"root_fields" json:"root_fields,omitempty" jsonschema:"description=Fields at the top of the operation"`
	Directives     Limit `yaml:"directives" json:"directives,omitempty" jsonschema:"description=Directives\\, those of the operation and its variables too"`
	ExpandedFields Limit `yaml:"expanded_fields" json:"expanded_fields,omitempty" jsonschema:"description=Fields when every fragment is put where it is used"`
	VariablesDepth int   `yaml:"variables_depth" json:"variables_depth,omitempty" jsonschema:"description=Levels of nested lists and objects in the variables"`
}

// Unseen bounds how many documents that were not seen before are parsed; more pass unread.
type Unseen struct {
	PerSecond int `yaml:"per_second" json:"per_second,omitempty" jsonschema:"description=So many are parsed each second; more pass unread"`
	Burst     int `yaml:"burst" json:"burst,omitempty" jsonschema:"description=So many at once"`
	Plans     int `yaml:"plans" json:"plans,omitempty" jsonschema:"description=Plans that are kept"`
}

// Breaker says when the upstream counts as failing, and what follows. Failures are connections that cannot be made or end without an
// answer, the statuses 502, 503 and 504, and what cache.stale_after ends.
type Breaker struct {
	Mode     string  `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=off,enum=observe,enum=enforce,description=observe: what has a stale answer within cache.stale_if_error gets it at once and refreshes hold off; all else is sent. enforce: all else gets 503"`
	Window   string  `yaml:"window" json:"window,omitempty" jsonschema:"description=Time in which requests are counted"`
	Requests int     `yaml:"requests" json:"requests,omitempty" jsonschema:"description=Fewer than so many in the window never open it"`
	Ratio    float64 `yaml:"ratio" json:"ratio,omitempty" jsonschema:"description=It opens when so many of them failed\\, 0 to 1"`
	Open     string  `yaml:"open" json:"open,omitempty" jsonschema:"description=How long until one request probes the upstream\\, give or take a fifth"`
}

// CachePolicy says what may be cached and for how long.
type CachePolicy struct {
	Enabled              bool              `yaml:"enabled" json:"enabled,omitempty" jsonschema:"description=false: no answer is kept"`
	UpstreamHeaders      bool              `yaml:"upstream_headers" json:"upstream_headers,omitempty" jsonschema:"description=Cache-Control of the upstream restricts; where the schema has no hints it grants"`
	DefaultMaxAge        string            `yaml:"default_max_age" json:"default_max_age,omitempty" jsonschema:"description=For fields without a hint"`
	TTL                  map[string]string `yaml:"ttl" json:"ttl,omitempty" jsonschema:"description=Lifetimes of types (Book: 30s) and fields (Query.books: 1m) for which the schema has no @cacheControl(maxAge:); where it has\\, that holds"`
	MaxTTL               string            `yaml:"max_ttl" json:"max_ttl,omitempty" jsonschema:"description=Bound of every lifetime"`
	AuthenticatedMax     string            `yaml:"authenticated_max" json:"authenticated_max,omitempty" jsonschema:"description=Bound for answers to verified credentials"`
	StaleIfError         string            `yaml:"stale_if_error" json:"stale_if_error,omitempty" jsonschema:"description=For so long after its life an answer is given in place of a failure of the upstream"`
	StaleErrorCodes      []string          `yaml:"stale_error_codes" json:"stale_error_codes,omitempty" jsonschema:"description=Codes of GraphQL errors (extensions.code) that count as a failure of the service: stale_if_error holds for an answer whose errors all have one of them; * for any error"`
	StaleAfter           string            `yaml:"stale_after" json:"stale_after,omitempty" jsonschema:"description=An upstream that has not begun its answer by then counts as failed where there is a stale answer to give; 0 for never"`
	StaleWhileRevalidate string            `yaml:"stale_while_revalidate" json:"stale_while_revalidate,omitempty" jsonschema:"description=For so long after its life an answer is given while a new one is fetched"`
	NegativeTTL          string            `yaml:"negative_ttl" json:"negative_ttl,omitempty" jsonschema:"description=Bound for answers that say there is nothing"`
	FleetLease           bool              `yaml:"fleet_lease" json:"fleet_lease,omitempty" jsonschema:"description=With Redis: of all sidecars one fetches a key that is in demand; the others answer stale where they may or wait a little"`
	Adaptive             Adaptive          `yaml:"adaptive" json:"adaptive,omitempty" jsonschema:"description=Lifetimes that are shorter than declared where answers change or are asked for more often"`
	HoldOff              string            `yaml:"hold_off" json:"hold_off,omitempty" jsonschema:"description=For so long after an invalidation the answers it names are kept for no longer than this: replicas of the origin's database may lag; 0 for never"`
	HitForMiss           string            `yaml:"hit_for_miss" json:"hit_for_miss,omitempty" jsonschema:"description=How long requests for an uncacheable answer do not wait for each other"`
	Collapse             string            `yaml:"collapse" json:"collapse,omitempty" jsonschema:"description=How long to wait for the fetch of another request"`
	MaxEntry             string            `yaml:"max_entry" json:"max_entry,omitempty" jsonschema:"description=Size of one answer; a larger one is not kept"`
	Vary                 []string          `yaml:"vary" json:"vary,omitempty" jsonschema:"description=Request headers that answers differ by"`
	Outward              Outward           `yaml:"outward" json:"outward,omitempty" jsonschema:"description=Headers for browsers\\, CDNs and other caches"`
	ExposeKey            bool              `yaml:"expose_key" json:"expose_key,omitempty" jsonschema:"description=Name the entry in Cache-Status"`
	Trace                bool              `yaml:"trace" json:"trace,omitempty" jsonschema:"description=Name the entry in cost events (metadata.cache_key)\\, for weir-bench cache"`
	Tags                 Tags              `yaml:"tags" json:"tags,omitempty" jsonschema:"description=Tags of the upstream that are read"`

	InjectKeys bool `yaml:"inject_keys" json:"inject_keys,omitempty" jsonschema:"description=Ask the upstream also for the keys of entities that a query does not select\\, so that an entity's tag finds its answers exactly; they are taken out of the answer again. For upstreams that accept any document\\, also in place of a persisted one"`

	Mutations       Mutations `yaml:"mutations" json:"mutations,omitempty" jsonschema:"description=What a mutation invalidates"`
	UnreadMutations string    `yaml:"unread_mutations" json:"unread_mutations,omitempty" jsonschema:"enum=count,enum=types,enum=everything,description=What goes when a request may have been a mutation that could not be read or whose answer names nothing: nothing (it is counted); all types that queries return; all entries"`
}

// Adaptive says how lifetimes become shorter than declared by what is seen; they never become longer.
type Adaptive struct {
	Mode        string  `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=off,enum=observe,enum=on,description=observe counts what on would change"`
	By          string  `yaml:"by" json:"by,omitempty" jsonschema:"enum=change,enum=views,enum=both,description=How often the answers of an operation change; how often a key is asked for; both"`
	Probability float64 `yaml:"probability" json:"probability,omitempty" jsonschema:"description=By change: with which probability an answer may be out of date at the end of its life"`
	MinTTL      string  `yaml:"min_ttl" json:"min_ttl,omitempty" jsonschema:"description=By change: never shorter than this"`
	Window      string  `yaml:"window" json:"window,omitempty" jsonschema:"description=By views: the time in which they are counted"`
	Views       []View  `yaml:"views" json:"views,omitempty" jsonschema:"description=By views: lifetimes by views within the window\\, the most first; the last is for all the rest and has above: 0"`
}

// View is the lifetime of what is asked for more often than above.
type View struct {
	Above int    `yaml:"above" json:"above" jsonschema:"description=Views within the window"`
	TTL   string `yaml:"ttl" json:"ttl" jsonschema:"description=Lifetime"`
}

// Mutations says what a mutation invalidates.
type Mutations struct {
	Policy string     `yaml:"policy" json:"policy,omitempty" jsonschema:"enum=entity,enum=list,enum=type,description=Of each entity in the answer: the entity; it and lists of its type; everything of its type"`
	Fields []Mutation `yaml:"fields" json:"fields,omitempty" jsonschema:"description=What holds for single mutations"`
}

// Mutation is what holds for one mutation.
type Mutation struct {
	Name   string   `yaml:"name" json:"name" jsonschema:"description=Field of the mutation type"`
	Policy string   `yaml:"policy" json:"policy,omitempty" jsonschema:"enum=entity,enum=list,enum=type,description=In place of that for all mutations"`
	Types  []string `yaml:"types" json:"types,omitempty" jsonschema:"description=Types that it changes whatever its answer holds"`
	Only   bool     `yaml:"only" json:"only,omitempty" jsonschema:"description=It changes nothing beside its types and what its answer holds; so it is not taken for a mutation that names nothing"`
}

// Tags says which tags of the upstream's answers are read, beside those that follow from schema, operation and answer.
type Tags struct {
	Headers    []string `yaml:"headers" json:"headers,omitempty" jsonschema:"description=Headers with tags: cache-groups holds strings in quotes (RFC 9875); surrogate-key and xkey separate by spaces; others by commas"`
	Extensions bool     `yaml:"extensions" json:"extensions,omitempty" jsonschema:"description=Read extensions.apolloCacheTags and extensions.cacheTags"`
	Obey       bool     `yaml:"obey" json:"obey,omitempty" jsonschema:"description=Obey Cache-Group-Invalidation on answers to POST and other methods that may change something (RFC 9875)"`
	Max        int      `yaml:"max" json:"max,omitempty" jsonschema:"description=Such tags of one answer; one with more is not kept"`
	MaxLength  string   `yaml:"max_length" json:"max_length,omitempty" jsonschema:"description=Size of such a tag; an answer with a longer one is not kept"`
}

// Deadlines bound the phases of a connection; 0s is no bound.
type Deadlines struct {
	Head    string `yaml:"head" json:"head,omitempty" jsonschema:"description=For a request's head"`
	Body    string `yaml:"body" json:"body,omitempty" jsonschema:"description=For a request's body"`
	Idle    string `yaml:"idle" json:"idle,omitempty" jsonschema:"description=Between two requests"`
	Write   string `yaml:"write" json:"write,omitempty" jsonschema:"description=For a client that does not read its answer"`
	Connect string `yaml:"connect" json:"connect,omitempty" jsonschema:"description=To reach the upstream"`
}

// DefaultFile returns the configuration that holds where a document is silent.
func DefaultFile() File {
	return File{
		Listen: []string{"127.0.0.1:4000"}, Admin: "127.0.0.1:9901", Introspection: "1m", Namespace: "weir", KafkaTopic: "finops.cost.events", Usage: "1m",
		EventsMode: "structured", Cache: "on", CacheMemory: "64MiB", CacheWarmUp: "0s", CacheSave: "off", CacheCompression: Compression{Codec: "none", Above: "1KiB"}, Drain: "25s", Identity: Identity{Service: "graphql", Environment: "development"},
		Supergraph: defaultSupergraph(),
		Log:        Log{Level: "info", Format: "json"}, Limits: Process{Connections: 10_000, Head: "64KiB"}, Policy: DefaultPolicy(),
	}
}

// DefaultPolicy returns the policy that holds where a document is silent. Limits are those of a service that trusts its clients little;
// validation only observes, for the origin decides.
func DefaultPolicy() Policy {
	limit := func(n int) Limit { return Limit{n, "enforce"} }
	return Policy{
		Paths: []string{"/graphql"}, MaxBody: "1MiB", InspectWait: "1s", Batch: limit(10), Validation: "observe", Variables: "observe",
		Introspection: "off", GetMutation: "observe",
		ClientHeaders: []string{"apollographql-client-name", "graphql-client-name", "x-client-name"},
		Limits: Limits{
			Tokens: limit(10_000), Depth: limit(50), Aliases: limit(200), RootFields: limit(100), Directives: limit(100),
			ExpandedFields: limit(20_000), VariablesDepth: 32,
		},
		Unseen:  Unseen{PerSecond: 200, Burst: 400, Plans: 10_000},
		Breaker: Breaker{Mode: "observe", Window: "10s", Requests: 20, Ratio: 0.5, Open: "5s"},
		Cache: CachePolicy{
			Enabled: true, UpstreamHeaders: true, FleetLease: true, DefaultMaxAge: "0s", MaxTTL: "24h", AuthenticatedMax: "2m", StaleIfError: "10m", StaleAfter: "10s",
			StaleWhileRevalidate: "5s", NegativeTTL: "10s", HoldOff: "2s", HitForMiss: "2m", Collapse: "5s", MaxEntry: "1MiB", Vary: []string{"origin"},
			Tags: Tags{Headers: []string{"surrogate-key", "cache-tag", "cache-groups"}, Extensions: true, Obey: true, Max: 200, MaxLength: "256"},
			Adaptive: Adaptive{
				Mode: "observe", By: "change", Probability: 0.1, MinTTL: "1s", Window: "5m",
				Views: []View{{1000, "60s"}, {100, "120s"}, {0, "300s"}},
			},
			Mutations: Mutations{Policy: "list", Fields: []Mutation{}}, UnreadMutations: "types",
			Outward: defaultOutward(),
		},
		Deadlines: Deadlines{Head: "10s", Body: "30s", Idle: "2m", Write: "30s", Connect: "5s"},
	}
}
