package fault

import (
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/origin/draw"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults.
const (
	Delay          Kind = "delay"           // wait before the request is executed; other rules still apply
	Refuse         Kind = "refuse"          // the listener is closed and its connections are reset
	Reset          Kind = "reset"           // RST, at a stage
	Close          Kind = "close"           // FIN, at a stage
	Stall          Kind = "stall"           // nothing more is sent from a stage on, until the client leaves
	SlowHead       Kind = "slow-head"       // so many bytes per second of the head
	SlowBody       Kind = "slow-body"       // so many bytes per second of the body
	TruncatedJSON  Kind = "truncated-json"  // Content-Length is right, the JSON is cut in the middle
	ShortBody      Kind = "short-body"      // Content-Length is right, half of the body comes, then FIN
	BadJSON        Kind = "bad-json"        // the body is no JSON
	ContentType    Kind = "content-type"    // the answer under a wrong Content-Type
	Status         Kind = "status"          // a status with a body of choice
	HTML           Kind = "html"            // 200 and a web page
	Big            Kind = "big"             // the answer with padding to a size
	HTTP10         Kind = "http10"          // the answer as HTTP/1.0, then FIN
	CloseDelimited Kind = "close-delimited" // no Content-Length, no chunks: the end of the connection ends the body
	Chunked        Kind = "chunked"         // chunks of a size
	Error          Kind = "error"           // 200 with errors and without data
	Partial        Kind = "partial"         // 200 with data and with an error at one field
)

// Stages of an answer.
const (
	BeforeHead = "before-head"
	InHead     = "in-head"
	AfterHead  = "after-head"
	MidBody    = "mid-body"
)

// kinds lists each kind with its argument, for help texts, and whether it may go without.
var kinds = []struct {
	kind     Kind
	argument string // as shown; "" when the kind takes none
	usual    string // used when none is given; "" when one is needed
}{
	{Delay, "DISTRIBUTION", ""},
	{Refuse, "", ""},
	{Reset, "before-head|in-head|mid-body", BeforeHead},
	{Close, "before-head|in-head|mid-body", BeforeHead},
	{Stall, "before-head|in-head|after-head|mid-body", AfterHead},
	{SlowHead, "BYTES_PER_SECOND", ""},
	{SlowBody, "BYTES_PER_SECOND", ""},
	{TruncatedJSON, "", ""},
	{ShortBody, "", ""},
	{BadJSON, "", ""},
	{ContentType, "TYPE", "text/plain"},
	{Status, "CODE[,json|html|empty]", ""},
	{HTML, "", ""},
	{Big, "SIZE", "10MB"},
	{HTTP10, "", ""},
	{CloseDelimited, "", ""},
	{Chunked, "SIZE", "64"},
	{Error, "CODE", "INJECTED"},
	{Partial, "TYPE.FIELD", "first"},
}

// Form is how a rule is written.
const Form = "[FROM..TO[/EVERY]:]KIND[=ARGUMENT][@SHARE][#OPERATION]"

// Kinds describes all kinds, one a line.
func Kinds() string {
	var b strings.Builder
	for _, k := range kinds {
		b.WriteString(string(k.kind))
		switch {
		case k.argument == "":
		case k.usual == "":
			b.WriteString("=" + k.argument)
		default:
			b.WriteString("[=" + k.argument + "]")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Rule is one fault: what, when, how often, for whom.
type Rule struct {
	Kind      Kind
	Stage     string            // of Reset, Close and Stall
	Rate      int               // bytes per second of SlowHead and SlowBody
	Size      int               // bytes of Big and of each chunk
	Status    int               // of Status
	Body      string            // json, html or empty, of Status
	Text      string            // media type of ContentType, code of Error, field of Partial ("" or TYPE.FIELD)
	Delay     draw.Distribution // of Delay
	Share     float64           // of the requests in the window and of the operation
	Operation string            // kind ("mutation"), label ("query.city") or name of the operation, or "batch"; "" is every one
	Window    draw.Window       // since the rule came into force

	text string
}

// String is the rule as it was written.
func (r *Rule) String() string { return r.text }

// Name is the kind and stage, as counted.
func (r *Rule) Name() string {
	if r.Stage != "" {
		return string(r.Kind) + "=" + r.Stage
	}
	return string(r.Kind)
}

// Executes tells whether a request that the rule hits is executed: it is when any part of its answer is sent.
func (r *Rule) Executes() bool {
	switch r.Kind {
	case Status, HTML, BadJSON, Error, Refuse:
		return false
	}
	return r.Stage != BeforeHead
}

// ParseRule reads Form.
func ParseRule(s string) (Rule, error) {
	r := Rule{text: s, Share: 1}
	if err := r.parse(s); err != nil {
		return Rule{}, fmt.Errorf("fault %q: %w", s, err)
	}
	return r, nil
}

func (r *Rule) parse(s string) (err error) {
	s, r.Operation, _ = strings.Cut(s, "#")
	if before, rest, ok := strings.Cut(s, ":"); ok && strings.Contains(before, "..") && !strings.Contains(before, "=") {
		if r.Window, err = draw.ParseWindow(before); err != nil {
			return err
		}
		s = rest
	}
	kind, argument, given := strings.Cut(s, "=")
	if at := strings.LastIndexByte(s, '@'); at >= 0 && !strings.HasPrefix(argument, "bimodal:") || strings.Count(s, "@") > 1 {
		if r.Share, err = draw.Share(s[at+1:]); err != nil {
			return err
		}
		kind, argument, given = strings.Cut(s[:at], "=")
	}
	r.Kind = Kind(kind)
	for _, k := range kinds {
		if k.kind != r.Kind {
			continue
		}
		switch {
		case k.argument == "" && given:
			return fmt.Errorf("%s takes no argument: leave out %q", kind, "="+argument)
		case k.argument != "" && argument == "" && k.usual == "":
			return fmt.Errorf("%s needs an argument: write %s=%s", kind, kind, k.argument)
		case argument == "":
			argument = k.usual
		}
		return r.argument(argument, k.argument)
	}
	return fmt.Errorf("kind %q is unknown: write %s with one of %s", kind, Form, strings.Join(strings.Fields(Kinds()), ", "))
}

// argument reads what follows the kind.
func (r *Rule) argument(s, form string) (err error) {
	switch r.Kind {
	case Delay:
		r.Delay, err = draw.ParseDuration(s)
	case Reset, Close, Stall:
		if r.Stage = s; !slices.Contains(strings.Split(form, "|"), s) {
			return fmt.Errorf("stage %q: write %s=%s", s, r.Kind, form)
		}
	case SlowHead, SlowBody:
		if r.Rate, err = draw.Size(s); err == nil && r.Rate == 0 {
			err = fmt.Errorf("0 bytes per second never end: write %s instead", Stall)
		}
	case Big, Chunked:
		if r.Size, err = draw.Size(s); err == nil && r.Size == 0 {
			err = fmt.Errorf("size 0: write 1 or more")
		}
	case ContentType:
		r.Text = s
		if _, _, err = mime.ParseMediaType(s); err != nil || strings.ContainsAny(s, "\r\n") {
			return fmt.Errorf("media type %q: write for instance text/plain", s)
		}
	case Status:
		return r.status(s, form)
	case Error:
		r.Text = s
	case Partial:
		if s == "first" {
			return nil
		}
		r.Text = s
		if typeName, field, ok := strings.Cut(s, "."); !ok || typeName == "" || field == "" {
			return fmt.Errorf("field %q: write TYPE.FIELD, for instance City.admin, or nothing for the first field that may be null", s)
		}
	case Refuse:
		return r.refuse()
	}
	return err
}

func (r *Rule) status(s, form string) (err error) {
	code, body, _ := strings.Cut(s, ",")
	if r.Status, err = strconv.Atoi(code); err != nil || r.Status < 200 || r.Status > 599 {
		return fmt.Errorf("status %q: write 200 to 599, for instance status=503,html", code)
	}
	if body == "" {
		body = "json"
	}
	if r.Body = body; body != "json" && body != "html" && body != "empty" {
		return fmt.Errorf("body %q: write status=%s", body, form)
	}
	return nil
}

// refuse checks the one kind that happens before there is a request.
func (r *Rule) refuse() error {
	switch {
	case r.Share != 1 || r.Operation != "":
		return fmt.Errorf("connections are refused before anything is known of a request: leave out @SHARE and #OPERATION")
	case r.Window.To == 0:
		return fmt.Errorf("the API would be out of reach too, for ever: write an end, for instance 0s..5s:refuse")
	}
	return nil
}
