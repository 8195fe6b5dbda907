package planner

import (
	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// envelopeDepth bounds the nesting of a request's JSON: enough for any variables a limit may allow, little enough for any
// stack.
const envelopeDepth = 512

// Request is one GraphQL request's parameters as sent over HTTP (GraphQL over HTTP, section 5). All slices alias the
// caller's body and are nil when the member is absent or null.
type Request struct {
	// Query and OperationName are the texts of their strings. When Escaped is true both are still in JSON string
	// escapes: AppendDocument and AppendOperationName undo them.
	Query, OperationName []byte
	// Variables and Extensions are raw JSON objects.
	Variables, Extensions []byte
	// APQHash is the hash of an automatically persisted query (extensions.persistedQuery.sha256Hash), and APQVersion
	// the version beside it; nil and 0 when there is none.
	APQHash    []byte
	APQVersion int
	Escaped    bool
}

// ParseRequest reads a request from the JSON object in body. Unknown members are skipped, null counts as absent. It
// returns nil when the request is well-formed, which does not mean that it has a document; on success it does not
// allocate. A member this package reads must not appear twice: servers disagree on which one counts, so what is checked
// here could differ from what is executed behind. On an error r holds nothing.
func ParseRequest(body []byte, r *Request) *Error {
	*r = Request{}
	i := jsonscan.Space(body, 0)
	if jsonscan.KindAt(body, i) != jsonscan.Object {
		if jsonscan.Valid(body, envelopeDepth) {
			return refuse("The request body must be a JSON object.")
		}
		return refuse("The request body is not valid JSON.")
	}
	e := envelope{body: body}
	if problem := e.read(i, r); problem != "" {
		*r = Request{}
		return refuse(problem)
	}
	return nil
}

func refuse(message string) *Error { return &Error{Message: message, Code: gqlerr.CodeRequest} }

// envelope is one pass over a body; seen holds a bit for each known member met.
type envelope struct {
	body []byte
	seen uint8
}

const (
	seenQuery = 1 << iota
	seenName
	seenVariables
	seenExtensions
	seenPersisted
	seenHash
	seenVersion
)

const (
	badJSON = "The request body is not valid JSON."
	tooDeep = "The request body nests too deep."
)

// read walks the object at body[i] and returns what is wrong, "" when nothing is.
func (e *envelope) read(i int, r *Request) string {
	b := e.body
	i = jsonscan.Space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return e.end(i + 1)
	}
	for {
		start := i
		end, escaped, ok := jsonscan.SkipString(b, i)
		if !ok {
			return badJSON
		}
		if i = jsonscan.Space(b, end); i >= len(b) || b[i] != ':' {
			return badJSON
		}
		i = jsonscan.Space(b, i+1)
		stop, text, ok := jsonscan.SkipString(b, i) // what most of a body is
		if !ok {
			var st jsonscan.Status
			if stop, st = jsonscan.Skip(b, i, envelopeDepth); st != jsonscan.OK {
				return scanProblem(st)
			}
		}
		if problem := e.member(b[start+1:end-1], escaped, i, stop, text, r); problem != "" {
			return problem
		}
		if i = jsonscan.Space(b, stop); i >= len(b) {
			return badJSON
		}
		if b[i] == '}' {
			return e.end(i + 1)
		}
		if b[i] != ',' {
			return badJSON
		}
		i = jsonscan.Space(b, i+1)
	}
}

func (e *envelope) end(i int) string {
	if jsonscan.Space(e.body, i) != len(e.body) {
		return badJSON
	}
	return ""
}

func scanProblem(st jsonscan.Status) string {
	if st == jsonscan.TooDeep {
		return tooDeep
	}
	return badJSON
}

// member takes in one member whose value is body[i:stop]; escapes says that it is a string with some.
func (e *envelope) member(key []byte, escaped bool, i, stop int, escapes bool, r *Request) string {
	var buf [32]byte
	if escaped {
		if len(key) > 6*len("operationName") {
			return ""
		}
		key = jsonscan.AppendUnescaped(buf[:0], key)
	}
	switch string(key) {
	case "query":
		return e.text(seenQuery, i, stop, escapes, &r.Query, r, "The member query is given more than once.", "The member query must be a string.")
	case "operationName":
		return e.text(seenName, i, stop, escapes, &r.OperationName, r, "The member operationName is given more than once.", "The member operationName must be a string.")
	case "variables":
		return e.object(seenVariables, i, stop, &r.Variables, "The member variables is given more than once.", "The member variables must be an object.")
	case "extensions":
		problem := e.object(seenExtensions, i, stop, &r.Extensions, "The member extensions is given more than once.", "The member extensions must be an object.")
		if problem == "" && r.Extensions != nil {
			problem = e.extensions(i, r)
		}
		return problem
	}
	return ""
}

func (e *envelope) first(bit uint8) bool {
	was := e.seen
	e.seen |= bit
	return was&bit == 0
}

// expect tells whether the member at body[i] is there and of the kind it has to be; null is as good as absent.
func (e *envelope) expect(bit uint8, kind jsonscan.Kind, i int, twice, wrong string) (there bool, problem string) {
	if !e.first(bit) {
		return false, twice
	}
	switch jsonscan.KindAt(e.body, i) {
	case jsonscan.Null:
		return false, ""
	case kind:
		return true, ""
	}
	return false, wrong
}

func (e *envelope) text(bit uint8, i, stop int, escapes bool, dst *[]byte, r *Request, twice, wrong string) string {
	there, problem := e.expect(bit, jsonscan.String, i, twice, wrong)
	if there {
		*dst = e.body[i+1 : stop-1 : stop-1]
		// One flag for both texts: text without escapes reads the same when escapes are undone.
		r.Escaped = r.Escaped || escapes
	}
	return problem
}

func (e *envelope) object(bit uint8, i, stop int, dst *[]byte, twice, wrong string) string {
	there, problem := e.expect(bit, jsonscan.Object, i, twice, wrong)
	if there {
		*dst = e.body[i:stop:stop]
	}
	return problem
}

// extensions reads persistedQuery from the object at body[i].
func (e *envelope) extensions(i int, r *Request) string {
	m := jsonscan.Open(e.body, i)
	for m.Next() {
		if !jsonscan.EqualKey(m.Key, m.Escaped, "persistedQuery") {
			continue
		}
		if !e.first(seenPersisted) {
			return "The member extensions.persistedQuery is given more than once."
		}
		switch jsonscan.KindAt(e.body, m.Value) {
		case jsonscan.Null:
		case jsonscan.Object:
			if problem := e.persisted(m.Value, r); problem != "" {
				return problem
			}
		default:
			return "The member extensions.persistedQuery must be an object."
		}
	}
	return ""
}

func (e *envelope) persisted(i int, r *Request) string {
	m := jsonscan.Open(e.body, i)
	for m.Next() {
		kind := jsonscan.KindAt(e.body, m.Value)
		switch {
		case jsonscan.EqualKey(m.Key, m.Escaped, "sha256Hash"):
			if !e.first(seenHash) {
				return "The member extensions.persistedQuery.sha256Hash is given more than once."
			}
			end, escaped, _ := jsonscan.SkipString(e.body, m.Value)
			if kind == jsonscan.String && !escaped {
				r.APQHash = e.body[m.Value+1 : end-1 : end-1]
			} else if kind != jsonscan.Null {
				return "The member extensions.persistedQuery.sha256Hash must be a string of hexadecimal digits."
			}
		case jsonscan.EqualKey(m.Key, m.Escaped, "version"):
			if !e.first(seenVersion) {
				return "The member extensions.persistedQuery.version is given more than once."
			}
			end, st := jsonscan.Skip(e.body, m.Value, 0)
			if kind != jsonscan.Number || st != jsonscan.OK {
				return "The member extensions.persistedQuery.version must be a whole number."
			}
			var ok bool
			if r.APQVersion, ok = smallNumber(e.body[m.Value:end]); !ok {
				return "The member extensions.persistedQuery.version must be a whole number."
			}
		}
	}
	return ""
}

func smallNumber(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c-'0' > 9 || n > 1e6 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}

// IsBatch tells whether the body's first value is a JSON array.
func IsBatch(body []byte) bool {
	i := jsonscan.Space(body, 0)
	return i < len(body) && body[i] == '['
}

// SplitBatch appends the elements of the JSON array in body to items and returns the grown slice. The elements alias
// body; that each is a request object is ParseRequest's to check. An empty array gives no items.
func SplitBatch(body []byte, items [][]byte) ([][]byte, *Error) {
	i, st := jsonscan.Document(body, envelopeDepth+1)
	if st != jsonscan.OK {
		return items, refuse(scanProblem(st))
	}
	if body[i] != '[' {
		return items, refuse("The request body must be a JSON array to be a batch.")
	}
	e := jsonscan.OpenArray(body, i)
	for e.Next() {
		e.End, _ = jsonscan.Skip(body, e.Value, envelopeDepth)
		items = append(items, body[e.Value:e.End:e.End])
	}
	return items, nil
}

// AppendDocument appends the document's text, escapes undone, to dst.
func (r *Request) AppendDocument(dst []byte) []byte {
	if !r.Escaped {
		return append(dst, r.Query...)
	}
	return jsonscan.AppendUnescaped(dst, r.Query)
}

// AppendOperationName appends the operation's name, escapes undone, to dst.
func (r *Request) AppendOperationName(dst []byte) []byte {
	if !r.Escaped {
		return append(dst, r.OperationName...)
	}
	return jsonscan.AppendUnescaped(dst, r.OperationName)
}
