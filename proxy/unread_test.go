package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// rawMessage is a request as it goes over the wire: a head, and parts of a body with a wait for an interim answer before the first.
type rawMessage struct {
	lines string // of the head, beside Host
	body  string
	waits bool // for 100 Continue
	slow  bool // the body comes in two parts, the second when the first was passed on
}

// send sends a message over a connection of its own and returns the status of its answer.
func (r *rig) send(m rawMessage, passed func(part int)) int {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", m.lines)
	in := bufio.NewReader(conn)
	if m.waits {
		if line, _ := in.ReadString('\n'); !strings.Contains(line, " 100 ") {
			r.t.Fatalf("no 100 Continue: %q", line)
		}
		_, _ = in.ReadString('\n')
	}
	body := m.body
	if m.slow {
		_, _ = io.WriteString(conn, body[:len(body)/2])
		passed(len(body) / 2)
		body = body[len(body)/2:]
	}
	if _, err := io.WriteString(conn, body); err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func sized(lines, body string) rawMessage {
	return rawMessage{lines: fmt.Sprintf("%sContent-Length: %d\r\n", lines, len(body)), body: body}
}

const jsonLine = "Content-Type: application/json\r\n"

func packed(body string, by func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := by(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

// unread are ways to send an operation that Weir relays without having read it before.
func unread(document string) map[string]rawMessage {
	body := operation(document)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("operations", body)
	_ = w.WriteField("map", `{"0":["variables.file"]}`)
	file, _ := w.CreateFormFile("0", "a.bin")
	_, _ = file.Write(bytes.Repeat([]byte{0, 1, 2, '"'}, 600<<10)) // more than a copy holds
	_ = w.Close()
	long := operation(document, "variables", `{"text":"`+strings.Repeat("a", 2<<20)+`"}`)
	chunked := ""
	for rest := body; rest != ""; {
		n := min(7, len(rest))
		chunked += fmt.Sprintf("%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	expect := sized(jsonLine+"Expect: 100-continue\r\n", body)
	expect.waits = true
	slow := sized(jsonLine, body)
	slow.slow = true
	return map[string]rawMessage{
		"upload":             sized("Content-Type: "+w.FormDataContentType()+"\r\n", form.String()),
		"gzip":               sized(jsonLine+"Content-Encoding: gzip\r\n", packed(body, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })),
		"deflate":            sized(jsonLine+"Content-Encoding: deflate\r\n", packed(body, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })),
		"brotli":             sized(jsonLine+"Content-Encoding: br\r\n", string(fasthttp.AppendBrotliBytes(nil, []byte(body)))),
		"zstd":               sized(jsonLine+"Content-Encoding: zstd\r\n", string(fasthttp.AppendZstdBytes(nil, []byte(body)))),
		"too large":          sized(jsonLine, long),
		"too large, chunked": {lines: jsonLine + "Transfer-Encoding: chunked\r\n", body: fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(long), long)},
		"gzip, chunked": {lines: jsonLine + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", body: func() string {
			p := packed(body, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
			return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(p), p)
		}()},
		"expect":        expect,
		"slow":          slow,
		"form":          sized("Content-Type: application/x-www-form-urlencoded\r\n", "query="+url.QueryEscape(document)),
		"graphql":       sized("Content-Type: application/graphql\r\n", document),
		"no type":       sized("", body),
		"batch":         sized(jsonLine, "["+body+","+operation("{ count }")+"]"),
		"text, chunked": {lines: "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n", body: chunked + "0\r\n\r\n"},
	}
}

// answerUnread answers by what it finds in the body, whatever its form.
func answerUnread(seen chan<- int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, body string) {
		switch r.Header.Get("Content-Encoding") {
		case "gzip":
			z, err := gzip.NewReader(strings.NewReader(body))
			if err == nil {
				text, _ := io.ReadAll(z)
				body = string(text)
			}
		case "deflate":
			text, _ := fasthttp.AppendInflateBytes(nil, []byte(body))
			body = string(text)
		case "br":
			text, _ := fasthttp.AppendUnbrotliBytes(nil, []byte(body))
			body = string(text)
		case "zstd":
			text, _ := fasthttp.AppendUnzstdBytes(nil, []byte(body))
			body = string(text)
		}
		if strings.HasPrefix(body, "[") {
			fmt.Fprint(w, `[{"data":{"setBook":{"id":"1","title":"new"}}},{"data":{"count":7}}]`)
			return
		}
		answerLibrary(w, r, body)
	}
}

func overUnread(t *testing.T, answer func(http.ResponseWriter, *http.Request, string), edit func(*config.Policy)) *rig {
	t.Helper()
	s := scripted(t, answer)
	return start(t, configuration(t, s.URL, func(f *config.File) {
		f.Schema = write(t, t.TempDir()+"/library.graphql", books)
		f.Policy.InspectWait, f.Policy.Batch.Mode = "1ms", "off"
		if edit != nil {
			edit(&f.Policy)
		}
	}))
}

// A mutation that Weir does not read before it relays it is planned from a copy, so that it invalidates what it changes and nothing else.
func TestMutationsThatPassUnreadInvalidate(t *testing.T) {
	for name, m := range unread(`mutation { setBook(id: "1") { id } }`) {
		t.Run(name, func(t *testing.T) {
			r := overUnread(t, answerUnread(nil), nil)
			r.fillAll()
			before := r.metric("weir_unnamed_mutations_total")
			if status := r.send(m, r.waitBlind); status != http.StatusOK {
				t.Fatal(status)
			}
			want := "one list"
			if name == "batch" { // the answer of a single one is not told apart
				want = "one two list"
			}
			if got := r.gone(); got != want {
				t.Errorf("gone: %q, want %q", got, want)
			}
			if r.metric("weir_unnamed_mutations_total") != before {
				t.Error("it counts as one of which nothing is known")
			}
		})
	}
}

// waitBlind waits until the body in hand counts as slow: the first part was passed on.
func (r *rig) waitBlind(int) {
	r.t.Helper()
	eventually(r.t, "the body is slow", func() bool { return r.metric(`weir_uninspected_total{reason="slow"}`) > 0 })
}

func TestQueriesThatPassUnreadInvalidateNothing(t *testing.T) {
	for name, m := range unread(`{ book(id: "1") { id title } }`) {
		t.Run(name, func(t *testing.T) {
			r := overUnread(t, answerUnread(nil), nil)
			r.fillAll()
			if status := r.send(m, r.waitBlind); status != http.StatusOK {
				t.Fatal(status)
			}
			if got := r.gone(); got != "" {
				t.Errorf("gone: %q", got)
			}
		})
	}
}

// A request without a body asks for nothing, unless its target has parameters that a server may prefer.
func TestEmptyRequestsInvalidateNothing(t *testing.T) {
	r := overUnread(t, func(w http.ResponseWriter, q *http.Request, body string) {
		if body == "" {
			fmt.Fprint(w, `"pong"`)
			return
		}
		answerLibrary(w, q, body)
	}, nil)
	r.fillAll()
	r.send(sized("", ""), nil)
	if got := r.gone(); got != "" {
		t.Errorf("gone: %q", got)
	}
	if a := r.fetch(call{path: byGet(`mutation { setBook(id: "1") { id } }`), body: "{}"}); a.status != http.StatusOK {
		t.Fatal(a.status)
	}
	if got := r.gone(); got != "one two list shelf" {
		t.Errorf("gone behind a document in the target of a POST: %q", got)
	}
}

// What cannot be read even from a copy goes by policy, unless the answer says that nothing was executed.
func TestRequestsThatCannotBeReadGoByPolicy(t *testing.T) {
	hash := `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("ab", 32) + `"}}}`
	late := operation(`mutation { setBook(id: "1") { id } }`)
	unreadable := map[string]rawMessage{
		"unknown hash":        sized(jsonLine, hash),
		"unknown coding":      sized(jsonLine+"Content-Encoding: lzma\r\n", "??????"),
		"broken gzip":         sized(jsonLine+"Content-Encoding: gzip\r\n", "??????"),
		"document too late":   sized(jsonLine, `{"variables":{"a":"`+strings.Repeat("a", 2<<20)+`"},`+late[1:]),
		"upload without name": sized("Content-Type: multipart/form-data; boundary=b\r\n", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--b--\r\n"),
		"given twice":         sized(jsonLine, `{"query":"mutation { track }","query":"{ count }"}`),
	}
	for policy, want := range map[string]string{"types": "one two list shelf", "everything": "one two list shelf count", "count": ""} {
		for name, m := range unreadable {
			t.Run(policy+"/"+name, func(t *testing.T) {
				r := overUnread(t, answerUnread(nil), func(p *config.Policy) { p.Cache.UnreadMutations = policy })
				r.fillAll()
				r.send(m, nil)
				if got := r.gone(); got != want {
					t.Errorf("gone: %q, want %q", got, want)
				}
			})
		}
	}
	for name, answer := range map[string]func(http.ResponseWriter){
		"not found": func(w http.ResponseWriter) { fmt.Fprint(w, `{"errors":[{"message":"PersistedQueryNotFound"}]}`) },
		"refused":   func(w http.ResponseWriter) { http.Error(w, "no such coding", http.StatusUnsupportedMediaType) },
	} {
		for kind, m := range unreadable {
			t.Run(name+"/"+kind, func(t *testing.T) {
				r := overUnread(t, func(w http.ResponseWriter, q *http.Request, body string) {
					if strings.Contains(body, "book(") || strings.Contains(body, "books") || strings.Contains(body, "{ shelf") || strings.Contains(body, `{"query":"{ count }"}`) {
						answerLibrary(w, q, body)
						return
					}
					answer(w)
				}, nil)
				r.fillAll()
				r.send(m, nil)
				if got := r.gone(); got != "" {
					t.Errorf("gone: %q", got)
				}
			})
		}
	}
}
