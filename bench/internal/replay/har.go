package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"

	"github.com/weirproxy/weir/bench/internal/instant"
)

// harEntry is what is needed of an entry of a HAR file.
type harEntry struct {
	StartedDateTime json.RawMessage
	Request         struct {
		Method, URL string
		Headers     []Header
		PostData    struct{ MimeType, Text, Encoding string }
	}
}

// readHAR reads entry by entry; only one is in memory.
func (r *reader) readHAR(in io.Reader) error {
	lines := &lineReader{in: in}
	d := json.NewDecoder(lines)
	if err := r.harEntries(d, lines); err != nil {
		var full *errFull
		if errors.As(err, &full) {
			return err
		}
		line, column := lines.position(d.InputOffset() + within(d, err))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file ends too early; export it again")
		}
		return fmt.Errorf("%s:%d:%d: %w", r.Name, line, column, err)
	}
	return nil
}

// within is how far behind the decoder's place the mistake is. The offset in the decoder's own error counts values alone, so the value is read again.
func within(d *json.Decoder, err error) int64 {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return 0
	}
	rest, _ := io.ReadAll(d.Buffered()) // in memory
	var ignored json.RawMessage
	if errors.As(json.Unmarshal(rest, &ignored), &syntax) {
		return max(0, syntax.Offset-1)
	}
	return 0
}

func (r *reader) harEntries(d *json.Decoder, lines *lineReader) error {
	for _, name := range []string{"log", "entries"} {
		if err := enter(d, name); err != nil {
			return err
		}
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(err, wrong("entries", "a list"))
	}
	for d.More() {
		r.line, _ = lines.position(d.InputOffset() + 1)
		var e harEntry
		if err := d.Decode(&e); err != nil {
			var kind *json.UnmarshalTypeError
			if !errors.As(err, &kind) {
				return err
			}
			r.skip("an entry whose %s is a %s", strings.ToLower(kind.Field), strings.Fields(kind.Value)[0])
			continue
		}
		if err := r.harRequest(&e); err != nil {
			return err
		}
		if r.full() {
			return nil
		}
		lines.forget(d.InputOffset())
	}
	_, err := d.Token()
	return err
}

func wrong(what, want string) error {
	return fmt.Errorf("%q is not %s, so this is no HAR file", what, want)
}

// enter goes to the value of a member of the object that comes next.
func enter(d *json.Decoder, name string) error {
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return wrong(name, "in an object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		if t == name {
			return nil
		}
		var ignored json.RawMessage
		if err := d.Decode(&ignored); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	return wrong(name, "there")
}

func (r *reader) harRequest(e *harEntry) error {
	q := request{headers: e.Request.Headers}
	if r.Match != "" && !strings.Contains(e.Request.URL, r.Match) {
		r.skip("its URL does not contain %q", r.Match)
		return nil
	}
	q.at, _ = instant.Parse(e.StartedDateTime) // none is refused with the request
	u, err := url.Parse(e.Request.URL)
	if err != nil {
		r.skip("a URL that cannot be read")
		return nil //nolint:nilerr // it is counted as left out
	}
	q.query = u.RawQuery
	post := &e.Request.PostData
	switch e.Request.Method {
	case "GET":
		if values := u.Query(); !values.Has("query") && !values.Has("extensions") && !values.Has("documentId") {
			r.skip("no GraphQL request")
			return nil
		}
		q.get = true
		return r.fromURL(&q)
	case "POST":
		q.body = []byte(post.Text)
		if post.Encoding == "base64" {
			if q.body, err = base64.StdEncoding.DecodeString(post.Text); err != nil {
				r.skip("a body that is no base64")
				return nil //nolint:nilerr // it is counted as left out
			}
		}
		return r.harBody(&q, post.MimeType, u)
	}
	r.skip("no GraphQL request")
	return nil
}

// harBody finds the GraphQL request in a POST by its content type, its body and its URL.
func (r *reader) harBody(q *request, mimeType string, u *url.URL) error {
	media, _, _ := mime.ParseMediaType(mimeType) // a broken one is as good as none
	byName := strings.Contains(strings.ToLower(u.Path), "graphql") || strings.Contains(strings.ToLower(u.Path), "gql")
	body := bytes.TrimSpace(q.body)
	switch {
	case media == "application/graphql":
		q.body = graphQLBody("", string(q.body), nil, nil)
		q.headers = without(q.headers, "content-type")
	case strings.HasPrefix(media, "multipart/") && byName:
		r.skip("a multipart request (file upload)")
		return nil
	case len(body) == 0 || body[0] != '{' && body[0] != '[':
		r.skip("no GraphQL request")
		return nil
	case !byName && !isGraphQL(body):
		r.skip("no GraphQL request")
		return nil
	}
	return r.post(q)
}

// isGraphQL tells GraphQL requests from other JSON where the URL says nothing: some search services have a "query" too.
func isGraphQL(body []byte) bool {
	type shape struct {
		Query      string
		Extensions struct {
			PersistedQuery struct{ SHA256Hash string }
		}
	}
	var one shape
	if body[0] == '[' {
		var several []shape
		if json.Unmarshal(body, &several) != nil || len(several) == 0 {
			return false
		}
		one = several[0]
	} else if json.Unmarshal(body, &one) != nil {
		return false
	}
	return one.Query != "" && looksLikeGraphQL(one.Query) || one.Extensions.PersistedQuery.SHA256Hash != ""
}

func without(headers []Header, name string) []Header {
	var kept []Header
	for _, h := range headers {
		if !strings.EqualFold(h.Name, name) {
			kept = append(kept, h)
		}
	}
	return kept
}

// graphQLBody is a request as JSON.
func graphQLBody(name, document string, variables, extensions json.RawMessage) []byte {
	body, _ := json.Marshal(struct { // raw parts come from valid JSON
		OperationName string          `json:"operationName,omitempty"`
		Query         string          `json:"query,omitempty"`
		Extensions    json.RawMessage `json:"extensions,omitempty"`
		Variables     json.RawMessage `json:"variables,omitempty"`
	}{name, document, extensions, variables})
	return body
}
