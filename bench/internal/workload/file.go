package workload

// What bounds a workload, so that a slip does not fill the memory.
const (
	maxItems      = 10_000    // of any list in the file
	maxOperations = 1_000     // of a workload
	maxDocument   = 1 << 20   // bytes of one document
	maxTokens     = 100_000   // of one document
	maxBatch      = 1_000     // operations in a batch
	maxOpen       = 1_000_000 // subscriptions of one kind
	maxTable      = 256 << 20 // bytes of one CSV file or manifest
	maxRows       = 5_000_000 // of one CSV file
	maxTemplate   = 64 << 10  // bytes of a text with ${…} in it
)

// File is a workload file.
type File struct {
	place

	Name          string             `json:"name,omitempty" jsonschema:"description=What results call this workload; the file's name without one"`
	Method        string             `json:"method,omitempty" jsonschema:"enum=POST,enum=GET,default=POST,description=How queries are sent; mutations and batches are always sent by POST"`
	Persisted     string             `json:"persisted,omitempty" jsonschema:"enum=off,enum=apq,enum=trusted,default=off,description=off: the document. apq: its SHA-256; the document as well when the server does not know it. trusted: its hash or id alone"`
	Manifest      string             `json:"manifest,omitempty" jsonschema:"description=File with the ids of trusted documents: Apollo's persisted query manifest or an object of id to document"`
	Mutations     *float64           `json:"mutations,omitempty" jsonschema:"minimum=0,maximum=1,description=Share of mutations in all requests; without it weights alone decide"`
	Headers       Pairs              `json:"headers,omitempty" jsonschema:"description=Sent with every request; values may use ${variable}"`
	Variables     Pairs              `json:"variables,omitempty" jsonschema:"description=Named values: a generator or any value with ${other} in its texts. In one request a name has one value wherever it is used"`
	Users         *Users             `json:"users,omitempty" jsonschema:"description=Each request is of one of them; ${user} is who"`
	Operations    []Operation        `json:"operations,omitempty" jsonschema:"description=What is requested"`
	Subscriptions []SubscriptionPart `json:"subscriptions,omitempty" jsonschema:"description=What is kept open beside the requests"`
}

// Users are who requests.
type Users struct {
	place

	Count  int64    `json:"count,omitempty" jsonschema:"minimum=1,description=They are 1 to this number"`
	CSV    string   `json:"csv,omitempty" jsonschema:"description=File with a row for each user instead; ${user.COLUMN} is a value of it"`
	Draw   string   `json:"draw,omitempty" jsonschema:"enum=uniform,enum=zipf,enum=sequence,default=uniform,description=How the user of a request is chosen"`
	S      *float64 `json:"s,omitempty" jsonschema:"description=Exponent of zipf; 1.1 without one"`
	Header string   `json:"header,omitempty" jsonschema:"default=Authorization,description=Header that carries the token"`
	Token  string   `json:"token,omitempty" jsonschema:"description=Its value; Bearer ${user} without one"`
}

// Operation is one kind of request.
type Operation struct {
	place

	Name       string   `json:"name,omitempty" jsonschema:"description=What results call it; the name in the document without one"`
	Document   string   `json:"document,omitempty" jsonschema:"description=GraphQL"`
	File       string   `json:"file,omitempty" jsonschema:"description=File with the GraphQL instead"`
	Operation  string   `json:"operation,omitempty" jsonschema:"description=Which operation of a document with several"`
	Kind       string   `json:"kind,omitempty" jsonschema:"enum=query,enum=mutation,description=What it is; read from the document without one. With it a document is sent as it is and need not be correct"`
	Weight     *float64 `json:"weight,omitempty" jsonschema:"minimum=0,default=1,description=How often it is chosen compared with the others; 0 for one that only batches use"`
	Method     string   `json:"method,omitempty" jsonschema:"enum=POST,enum=GET,description=Instead of the file's"`
	Persisted  string   `json:"persisted,omitempty" jsonschema:"enum=off,enum=apq,enum=trusted,description=Instead of the file's"`
	DocumentID string   `json:"document_id,omitempty" jsonschema:"description=Id of a trusted document; sent as documentId"`
	Headers    Pairs    `json:"headers,omitempty" jsonschema:"description=Besides or instead of the file's"`
	Variables  Pairs    `json:"variables,omitempty" jsonschema:"description=Values of the document's variables: a generator or any value with ${variable} in its texts"`
	Batch      *Batch   `json:"batch,omitempty" jsonschema:"description=Several operations in one request instead of a document"`
	Checks     []Check  `json:"checks,omitempty" jsonschema:"description=What an answer must be to count as a success"`
}

// Batch is a request of several operations.
type Batch struct {
	place

	Size int64    `json:"size" jsonschema:"minimum=1,description=How many"`
	Of   []string `json:"of" jsonschema:"description=Names of operations; each place of the batch takes one by their weights"`
}

// Check is one thing an answer must be: one of status, json, sha256, max_bytes, or a path with one of equals, exists, matches.
type Check struct {
	place

	Name     string   `json:"name,omitempty" jsonschema:"description=What results call its failures; made of the check without one"`
	Status   Statuses `json:"status,omitzero" jsonschema:"description=Status or a list of those accepted instead of 200. Bodies of other statuses than 200 are not searched for errors"`
	Path     string   `json:"path,omitempty" jsonschema:"description=A place in the JSON body: $.data.city.id or $.data.cities[0].name"`
	Equals   Value    `json:"equals,omitzero" jsonschema:"description=The value there; ${variable} is that of the request"`
	Exists   *bool    `json:"exists,omitempty" jsonschema:"description=true: a value that is not null. false: none or null"`
	Matches  string   `json:"matches,omitempty" jsonschema:"description=Regular expression (RE2) found in the value there"`
	SHA256   string   `json:"sha256,omitempty" jsonschema:"description=Hash of the whole body in hex"`
	MaxBytes string   `json:"max_bytes,omitempty" jsonschema:"oneof_type=string;integer,description=Size of the body at most: 512 or 64KiB or 1MiB"`
	JSON     *bool    `json:"json,omitempty" jsonschema:"description=true: the whole body is correct JSON; else only its frame is read"`
}

// Statuses is one status or a list of them.
type Statuses struct{ Value }

// SubscriptionPart is a subscription to keep open. Its values are plain: each one that is open is the same.
type SubscriptionPart struct {
	place

	Document  string `json:"document,omitempty" jsonschema:"description=GraphQL"`
	File      string `json:"file,omitempty" jsonschema:"description=File with the GraphQL instead"`
	Variables Pairs  `json:"variables,omitempty" jsonschema:"description=Values of the document's variables"`
	Protocol  string `json:"protocol,omitempty" jsonschema:"enum=graphql-transport-ws,enum=graphql-ws,enum=sse,enum=sse-get,default=graphql-transport-ws,description=How it is spoken"`
	Open      *int64 `json:"open,omitempty" jsonschema:"minimum=1,default=1,description=How many are kept open"`
	Init      Pairs  `json:"init,omitempty" jsonschema:"description=Payload of connection_init over WebSocket: a token for instance"`
	Headers   Pairs  `json:"headers,omitempty" jsonschema:"description=Sent when opening"`
	TimePath  string `json:"time_path,omitempty" jsonschema:"description=Place of the time in an event at which it was sent: $.data.tick.sentAt; for the delay of events"`
}

// Generators: a mapping with one of these keys makes values, wherever a value may stand.
type generatorFile struct {
	Zipf     *zipfFile     `json:"zipf,omitempty" jsonschema:"description=Few values often and many seldom: rank i in proportion to 1/i^s"`
	Uniform  *uniformFile  `json:"uniform,omitempty" jsonschema:"description=Numbers from min to max; as many decimals as they are written with"`
	Sequence *sequenceFile `json:"sequence,omitempty" jsonschema:"description=One number after the other; threads count 10000000 steps apart"`
	List     *listFile     `json:"list,omitempty" jsonschema:"description=One of several values; a plain list is drawn uniformly"`
	CSV      *csvFile      `json:"csv,omitempty" jsonschema:"description=A row of a file with a line of column names"`
	Constant *Value        `json:"constant,omitempty" jsonschema:"description=A value as it is; nothing in it is replaced"`
	Template *string       `json:"template,omitempty" jsonschema:"description=Text with ${variable} in it"`
	UUID     *bool         `json:"uuid,omitempty" jsonschema:"description=true: a random UUID"`
}

type zipfFile struct {
	place

	N     *int64   `json:"n,omitempty" jsonschema:"minimum=1,description=The numbers 1 to n"`
	Of    []Value  `json:"of,omitempty" jsonschema:"description=These values instead; the most popular first"`
	S     *float64 `json:"s,omitempty" jsonschema:"default=1.1,description=Exponent: the higher the more goes to the first"`
	Start *int64   `json:"start,omitempty" jsonschema:"default=1,description=First number"`
}

type uniformFile struct {
	place

	Min Value `json:"min,omitzero"`
	Max Value `json:"max,omitzero"`
}

type sequenceFile struct {
	place

	Start *int64 `json:"start,omitempty" jsonschema:"default=1"`
	Step  *int64 `json:"step,omitempty" jsonschema:"default=1"`
	End   *int64 `json:"end,omitempty" jsonschema:"description=Last number; then it begins again"`
}

type listFile struct {
	place

	Values  []Value   `json:"values"`
	Weights []float64 `json:"weights,omitempty" jsonschema:"description=How often each is taken compared with the others"`
	Draw    string    `json:"draw,omitempty" jsonschema:"enum=uniform,enum=zipf,enum=sequence,default=uniform"`
	S       *float64  `json:"s,omitempty" jsonschema:"default=1.1,description=Exponent of zipf"`
}

type csvFile struct {
	place

	File   string   `json:"file"`
	Column string   `json:"column,omitempty" jsonschema:"description=Column of the values; without one ${name.COLUMN} takes a value of the row"`
	Draw   string   `json:"draw,omitempty" jsonschema:"enum=uniform,enum=zipf,enum=sequence,default=uniform"`
	S      *float64 `json:"s,omitempty" jsonschema:"default=1.1,description=Exponent of zipf; the first row is the most popular"`
	As     string   `json:"as,omitempty" jsonschema:"enum=text,enum=json,default=text,description=json: a value is written as it stands in the file: numbers and null for instance"`
}
