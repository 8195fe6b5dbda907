package line

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

func copied(t testing.TB, l *Line, head string) (*Copy, *Exchange) {
	t.Helper()
	var h wire.RequestHead
	if v := h.Parse([]byte(head), 1<<16); v != wire.OK {
		t.Fatalf("%q: %v", head, v)
	}
	x := &Exchange{}
	class, reason := l.Begin(x, &h, 1)
	if class == Post {
		l.Blind(x, ReasonBody)
	}
	c := l.Copy(x, &h, 1)
	if c == nil {
		t.Fatalf("%q (class %v, reason %v) is not copied", head, class, reason)
	}
	return c, x
}

// However the bytes come, the copy says the same; and whatever comes, its memory is given back.
func TestCopyDoesNotDependOnHowBytesCome(t *testing.T) {
	p := testPolicy(t)
	l := newLine(t, &p)
	rapid.Check(t, func(rt *rapid.T) {
		mutates := rapid.Bool().Draw(rt, "mutates")
		body := `{"query":"{ book(id: 1) { title } }"}`
		if mutates {
			body = `{"query":"mutation { setBook(id: 1) { id } }"}`
		}
		body = strings.Repeat(" ", rapid.IntRange(0, 3000).Draw(rt, "spaces")) + body
		head := "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
		wireBody := body
		if rapid.Bool().Draw(rt, "chunked") {
			head += "Transfer-Encoding: chunked\r\n\r\n"
			n := rapid.IntRange(1, 500).Draw(rt, "chunk")
			wireBody = ""
			for rest := body; rest != ""; {
				m := min(n, len(rest))
				wireBody += fmt.Sprintf("%x\r\n%s\r\n", m, rest[:m])
				rest = rest[m:]
			}
			wireBody += "0\r\n\r\n"
		} else {
			head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
		}
		c, x := copied(t, l, head)
		for rest := head + wireBody; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "part")
			c.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if !c.settled || c.unknown || (len(c.plans) == 1) != mutates {
			rt.Fatalf("settled %v unknown %v, %d plans", c.settled, c.unknown, len(c.plans))
		}
		l.adopt(x)
		if x.GraphQL != mutates || x.unknown {
			rt.Fatalf("GraphQL %v unknown %v", x.GraphQL, x.unknown)
		}
		c.Close()
		if n := l.copied.Load(); n != 0 {
			rt.Fatalf("%d bytes are still held", n)
		}
	})
}

func TestCopiesTogetherAreBounded(t *testing.T) {
	p := testPolicy(t)
	l := newLine(t, &p)
	var open []*Copy
	part := []byte(strings.Repeat("a", 64<<10))
	for range 100 {
		head := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", 8<<20)
		c, _ := copied(t, l, head)
		c.Write([]byte(head))
		for range 64 {
			c.Write(part)
		}
		open = append(open, c)
	}
	held := 0
	for _, c := range open {
		held += len(c.body)
	}
	if n := l.copied.Load(); n > copiesLimit || held > copiesLimit {
		t.Errorf("%d bytes are accounted for, %d held", n, held)
	}
	for _, c := range open {
		c.Close()
		c.Close()
		if !c.unknown {
			t.Error("a request that did not come whole is known")
		}
	}
	if n := l.copied.Load(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}
