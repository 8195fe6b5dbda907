package growth

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// schemaSDL is what the upstream serves: an item by id with a body of a wanted size, and lists of items, of which each is an entity with a tag.
const schemaSDL = `directive @cacheControl(maxAge: Int) on FIELD_DEFINITION | OBJECT
directive @key(fields: String!) repeatable on OBJECT

type Query {
  item(id: ID!, bytes: Int): Item
  items(from: Int!, count: Int!, bytes: Int): Items!
}

type Mutation {
  touch(id: ID!): Item
}

type Items @cacheControl(maxAge: 3600) {
  body: String!
  nodes: [Item!]!
}

type Item @key(fields: "id") @cacheControl(maxAge: 3600) {
  id: ID!
  revision: Int!
  body: String!
}
`

const maxAnswer = 4 << 20

// origin answers by what the variables say: {"id":"7","bytes":1024} or {"from":7,"count":100,"bytes":65536}; bytes is the size of the whole answer where it
// is more than the answer needs.
type origin struct {
	server  *fasthttp.Server
	address string
	done    chan error
	fill    []byte
}

func (o *origin) URL() string { return "http://" + o.address }

// origin starts the upstream.
func (b *bench) origin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{address: l.Addr().String(), done: make(chan error, 1), fill: bytes.Repeat([]byte("w"), maxAnswer)}
	o.server = &fasthttp.Server{NoDefaultServerHeader: true, Concurrency: maxConnections + 1000, CloseOnShutdown: true, Handler: o.answer}
	go func() { o.done <- o.server.Serve(l) }()
	b.onStop(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := o.server.ShutdownWithContext(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil // a sidecar that is still there has its connections open
		}
		if e := l.Close(); e != nil && !errors.Is(e, net.ErrClosed) { // a shutdown before Serve has begun knows no listener
			err = errors.Join(err, e)
		}
		if served := <-o.done; !errors.Is(served, net.ErrClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	return o, nil
}

func (o *origin) answer(c *fasthttp.RequestCtx) {
	c.Response.Header.SetContentType("application/json")
	body := c.PostBody()
	size := number(body, `"bytes":`)
	dst := c.Response.SwapBody(nil)[:0] // the buffer of the connection's last answer
	if count := number(body, `"count":`); count > 0 {
		dst = o.list(dst, number(body, `"from":`), count, size)
	} else {
		dst = o.one(dst, text(body, `"id":"`), size)
	}
	c.Response.SwapBody(dst)
}

func (o *origin) one(dst, id []byte, size int) []byte {
	dst = append(append(append(dst, `{"data":{"item":{"id":"`...), id...), `","revision":0,"body":"`...)
	const tail = `"}}}`
	return append(o.pad(dst, size-len(tail)), tail...)
}

func (o *origin) list(dst []byte, from, count, size int) []byte {
	dst = append(dst, `{"data":{"items":{"nodes":[`...)
	for i := range count {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"id":"`...), int64(from+i), 10)
		dst = append(dst, `","revision":0}`...)
	}
	dst = append(dst, `],"body":"`...)
	const tail = `"}}}`
	return append(o.pad(dst, size-len(tail)), tail...)
}

// pad fills up to size.
func (o *origin) pad(dst []byte, size int) []byte {
	return append(dst, o.fill[:min(max(0, size-len(dst)), len(o.fill))]...)
}

// number reads the digits after the key, 0 when there are none.
func number(body []byte, key string) (n int) {
	i := bytes.LastIndex(body, []byte(key))
	if i < 0 {
		return 0
	}
	for _, c := range body[i+len(key):] {
		if c < '0' || c > '9' || n > 1<<30 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// text reads up to the quote after the key.
func text(body []byte, key string) []byte {
	i := bytes.LastIndex(body, []byte(key))
	if i < 0 {
		return nil
	}
	rest := body[i+len(key):]
	if end := bytes.IndexByte(rest, '"'); end >= 0 {
		return rest[:end]
	}
	return nil
}
