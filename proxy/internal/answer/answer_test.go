package answer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
)

func TestNegotiateChoosesWhatTheClientPrefers(t *testing.T) {
	for _, c := range []struct {
		accept string
		want   Media
	}{
		{"", MediaJSON},
		{"*/*", MediaJSON},
		{"application/*", MediaJSON},
		{"application/json", MediaJSON},
		{"application/graphql-response+json", MediaGraphQL},
		{"APPLICATION/GraphQL-Response+JSON; charset=utf-8", MediaGraphQL},
		{"application/graphql-response+json, application/json;q=0.9", MediaGraphQL},
		{"application/graphql-response+json;q=0.5, application/json", MediaJSON},
		{"application/json, application/graphql-response+json", MediaGraphQL},
		{"application/graphql-response+json;q=0, */*", MediaJSON},
		{"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed", MediaGraphQL},
		{"multipart/mixed;deferSpec=20220824,application/json", MediaJSON},
		{"text/event-stream", MediaStream},
		{"multipart/mixed; boundary=\"a,b\"", MediaStream},
		{"text/html", MediaOther},
		{"application/json;q=0", MediaOther},
		{"application/json;q=2", MediaOther},
		{"*/*;q=0.1, text/html", MediaJSON},
	} {
		if got := Negotiate([]byte(c.accept)); got != c.want {
			t.Errorf("Accept %q: %d, want %d", c.accept, got, c.want)
		}
	}
}

// read parses a message as a client does; the message must hold nothing more.
func read(t *testing.T, message []byte, method string) (*http.Response, []byte) {
	t.Helper()
	b := bufio.NewReader(bytes.NewReader(message))
	r, err := http.ReadResponse(b, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%v in %q", err, message)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(b); len(rest) > 0 {
		t.Fatalf("bytes behind the message: %q", rest)
	}
	return r, body
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).UnixNano()

func TestHitIsAWholeMessage(t *testing.T) {
	var w Writer
	h := Hit{Lines: []byte("Content-Type: application/json\r\n"), ETag: []byte(`"x"`), BodyLen: 2, Age: 3, TTL: 57}
	r, body := read(t, append(w.AppendHit(nil, &h, noon), "{}"...), "POST")
	for name, want := range map[string]string{
		"Content-Type": "application/json", "ETag": `"x"`, "Age": "3", "Cache-Status": "weir; hit; ttl=57",
		"Date": "Wed, 25 Nov 2026 12:00:00 GMT", "Weir-Cost": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if string(body) != "{}" || r.StatusCode != 200 {
		t.Errorf("%d %q", r.StatusCode, body)
	}

	h = Hit{NotModified: true, ETag: []byte(`"x"`), BodyLen: 2, TTL: -4, Collapsed: true, Detail: "disconnected", Cost: []byte("0.1"), Anomaly: 0.25}
	r, _ = read(t, w.AppendHit(nil, &h, noon), "GET")
	if r.StatusCode != 304 || r.Header.Get("Cache-Status") != "weir; hit; ttl=-4; collapsed; detail=disconnected" {
		t.Errorf("%d %q", r.StatusCode, r.Header.Get("Cache-Status"))
	}
	if r.Header.Get("Weir-Cost") != "0.1" || r.Header.Get("Weir-Anomaly") != "0.250" {
		t.Errorf("exposed: %v", r.Header)
	}
}

func TestConnectionHeaderFollowsTheVersion(t *testing.T) {
	for _, c := range []struct {
		k    Connection
		want string
	}{
		{Connection{Minor: 1}, ""},
		{Connection{Minor: 1, Close: true}, "close"},
		{Connection{Minor: 0, KeepAlive: true}, "keep-alive"},
		{Connection{Minor: 0, Close: true}, "close"},
	} {
		var w Writer
		head := w.AppendHit(nil, &Hit{Connection: c.k}, noon)
		got := ""
		for _, l := range strings.Split(string(head), "\r\n") {
			if v, ok := strings.CutPrefix(l, "Connection: "); ok {
				got = v
			}
		}
		if got != c.want {
			t.Errorf("%+v: Connection %q, want %q", c.k, got, c.want)
		}
	}
}

func TestFailureIsAWholeMessage(t *testing.T) {
	var w Writer
	f := Failure{
		Status: 405, Code: "request.get_mutation", Media: "text/plain", Body: []byte("no"), Allow: "POST", RetryAfter: 2,
		Connection: Connection{Minor: 1},
	}
	r, body := read(t, w.AppendFailure(nil, &f, noon), "GET")
	if r.StatusCode != 405 || string(body) != "no" || r.Header.Get("Weir-Error") != f.Code || r.Header.Get("Allow") != "POST" ||
		r.Header.Get("Retry-After") != "2" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v", r.StatusCode, body, r.Header)
	}
	f.Head = true
	if _, body := read(t, w.AppendFailure(nil, &f, noon), "HEAD"); len(body) > 0 {
		t.Errorf("HEAD got a body: %q", body)
	}
	f = Failure{Status: StatusPartialSuccess, Media: "application/json"}
	if m := w.AppendFailure(nil, &f, noon); !bytes.HasPrefix(m, []byte("HTTP/1.1 294 Partial Success\r\n")) {
		t.Errorf("%q", m)
	}
}

func TestErrorsAreGraphQLShaped(t *testing.T) {
	text := AppendErrors(nil, []planner.Error{{
		Message: "a \"b\" \x00", Code: "X", Locations: []planner.Location{{Line: 1, Column: 2}}, Path: []any{"a", 0},
	}})
	var got struct {
		Data   any
		Errors []struct {
			Message    string
			Locations  []map[string]int
			Path       []any
			Extensions map[string]string
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	e := got.Errors[0]
	if e.Message != "a \"b\" \x00" || e.Locations[0]["column"] != 2 || e.Path[0] != "a" || e.Extensions["code"] != "X" {
		t.Errorf("%s", text)
	}
	if bytes.Contains(text, []byte(`"data"`)) {
		t.Errorf("a request error has no data member: %s", text)
	}
}

func TestStatusFollowsModeClassAndMedia(t *testing.T) {
	for _, c := range []struct {
		class planner.Class
		media Media
		draft bool
		want  int
	}{
		{planner.ClassRequest, MediaJSON, false, 400},
		{planner.ClassRequest, MediaGraphQL, false, 400},
		{planner.ClassParse, MediaJSON, false, 200},
		{planner.ClassValidate, MediaJSON, false, 200},
		{planner.ClassCoerce, MediaJSON, false, 200},
		{planner.ClassParse, MediaGraphQL, false, 400},
		{planner.ClassValidate, MediaGraphQL, false, 400},
		{planner.ClassCoerce, MediaGraphQL, false, 400},
		{planner.ClassParse, MediaJSON, true, 400},
		{planner.ClassParse, MediaGraphQL, true, 400},
		{planner.ClassRequest, MediaJSON, true, 422},
		{planner.ClassValidate, MediaGraphQL, true, 422},
		{planner.ClassCoerce, MediaJSON, true, 422},
	} {
		if got := Status(c.class, c.media, c.draft); got != c.want {
			t.Errorf("class %d media %d draft %v: %d, want %d", c.class, c.media, c.draft, got, c.want)
		}
	}
}

func TestStoredHeadsComeBack(t *testing.T) {
	etag := AppendETag(nil, []byte("body"))
	want := Stored{ETag: etag, Origin: true, Detail: []byte("declared"), Age: 300, Revalidate: 1 << 30, Outward: []byte("C: d\r\n"), Lines: []byte("A: b\r\n")}
	head := want.Append(nil)
	var got Stored
	if !got.Read(head) || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, broken := range [][]byte{
		nil,
		{2},
		{0},
		{0, 5, 'a'},
		{0, 0},
		{0, 0, 3, 'a'},
		{0, 0, 0},
		{0, 0, 0, 0},
		{0, 0, 0, 0, 0},
		{0, 0, 0, 0, 0, 9, 'a'},
		{0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
		{0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
	} {
		if got.Read(broken) {
			t.Errorf("%v was read", broken)
		}
	}
	long := Stored{ETag: bytes.Repeat([]byte("x"), 300), Detail: bytes.Repeat([]byte("x"), 300), Age: -4}
	if !got.Read(long.Append(nil)) || len(got.ETag) != 0 || len(got.Detail) != 0 || got.Age != 0 {
		t.Errorf("%+v", got)
	}
	if bytes.Equal(etag, AppendETag(nil, []byte("bodx"))) {
		t.Error("two bodies have the same ETag")
	}
}

func TestIfNoneMatchComparesWeakly(t *testing.T) {
	for _, c := range []struct {
		header, etag string
		want         bool
	}{
		{`"a"`, `"a"`, true},
		{`W/"a"`, `"a"`, true},
		{`"a"`, `W/"a"`, true},
		{`"b", "a,c" , "a"`, `"a"`, true},
		{`*`, `"a"`, true},
		{`"b"`, `"a"`, false},
		{``, `"a"`, false},
		{`*`, ``, false},
	} {
		if got := Matches([]byte(c.header), []byte(c.etag)); got != c.want {
			t.Errorf("%s against %s: %v", c.header, c.etag, got)
		}
	}
}

func TestHitAllocatesNothing(t *testing.T) {
	var w Writer
	h := Hit{Lines: []byte("Content-Type: application/json\r\n"), ETag: []byte(`"x"`), BodyLen: 2, Age: 3, TTL: 57}
	dst, now := make([]byte, 0, 512), noon
	if n := testing.AllocsPerRun(100, func() { now += 1e9; dst = w.AppendHit(dst[:0], &h, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	accept := []byte("application/graphql-response+json, application/json;q=0.9")
	if n := testing.AllocsPerRun(100, func() { Negotiate(accept) }); n != 0 {
		t.Errorf("Negotiate: %v allocations", n)
	}
}

func FuzzStored(f *testing.F) {
	f.Add((&Stored{ETag: []byte("e"), Age: 3, Outward: []byte("o"), Lines: []byte("l")}).Append(nil))
	f.Fuzz(func(t *testing.T, head []byte) {
		var s, again Stored
		if s.Read(head) && (!again.Read(s.Append(nil)) || !reflect.DeepEqual(s, again)) {
			t.Errorf("%+v, then %+v", s, again)
		}
	})
}

func FuzzNegotiate(f *testing.F) {
	f.Add("application/json;q=0.5, */*")
	f.Fuzz(func(t *testing.T, accept string) {
		m := Negotiate([]byte(accept))
		if m == MediaGraphQL && !strings.Contains(strings.ToLower(accept), "application/") {
			t.Errorf("%q chose the GraphQL media type unasked", accept)
		}
	})
}

func BenchmarkHitHead(b *testing.B) {
	var w Writer
	h := Hit{Lines: []byte("Content-Type: application/json\r\nCache-Control: max-age=60, public\r\n"), ETag: []byte(`"x"`), BodyLen: 1024}
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		dst = w.AppendHit(dst[:0], &h, noon)
	}
}
