package line

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/weirproxy/weir/telemetry"
)

// textFrame is a whole text message (RFC 6455, section 5.2); a masked one has the mask of zeros.
func textFrame(masked bool, text string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{0x81, 127}, uint64(len(text)))
	if masked {
		b[1] |= 0x80
		b = append(b, 0, 0, 0, 0)
	}
	return append(b, text...)
}

// An answer that cannot be read may be a mutation's: while one is awaited, what it could have changed is invalidated before the client has that answer.
func TestAnswersInATunnelThatCannotBeReadInvalidate(t *testing.T) {
	const (
		mutation = `{"id":"m","type":"subscribe","payload":{"query":"mutation { setBook(id: 1) { id title } }"}}`
		query    = `{"id":"m","type":"subscribe","payload":{"query":"{ book(id: 1) { id title } }"}}`
		notFrame = "\xf0\x00" // with reserved bits
	)
	long := string(textFrame(false, `{"id":"m","type":"next","payload":{"data":{"setBook":{"title":"`+strings.Repeat("x", 1<<20)+`"}}}}`))
	for _, c := range []struct {
		name, up string
		down     []string
		gone     []bool // after each piece
	}{
		{"too long for a mutation's answer to be kept", mutation, []string{long[:1000], long[1000:]}, []bool{false, true}},
		{"each of two", mutation, []string{long, long}, []bool{true, true}},
		{"too long, and nothing is awaited", query, []string{long}, []bool{false}},
		{"no frames", mutation, []string{notFrame, "more"}, []bool{true, true}},
		{"no frames, and nothing is awaited", query, []string{notFrame, "more"}, []bool{false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy(t)
			a := &asker{t: t, l: newLine(t, &p)}
			tunnel := a.l.Tunnel(responseHead(t, 101, "Upgrade: websocket", "Sec-WebSocket-Protocol: graphql-transport-ws"))
			if tunnel == nil {
				t.Fatal("the tunnel is not looked at")
			}
			ctx := context.Background()
			tunnel.Up(ctx, textFrame(true, c.up))
			for i, piece := range c.down {
				a.ask(bookOf1, nil, nil)
				if s, _ := a.ask(bookOf1, nil, nil); s != telemetry.Hit {
					t.Fatalf("before piece %d: %s", i, s)
				}
				tunnel.Down(ctx, []byte(piece))
				if s, _ := a.ask(bookOf1, nil, nil); (s != telemetry.Hit) != c.gone[i] {
					t.Errorf("after piece %d: %s", i, s)
				}
			}
		})
	}
}

// Of two lists of extensions it is not known which holds.
func TestTunnelsWhoseExtensionsAreUnclearAreCounted(t *testing.T) {
	p := testPolicy(t)
	l := newLine(t, &p)
	head := []string{"Upgrade: websocket", "Sec-WebSocket-Protocol: graphql-ws", "Sec-WebSocket-Extensions: permessage-deflate"}
	if l.Tunnel(responseHead(t, 101, head...)) == nil || l.stats.blind[ReasonTunnel].Load() != 0 {
		t.Error("one list is not understood")
	}
	if l.Tunnel(responseHead(t, 101, append(head, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover")...)) != nil || l.stats.blind[ReasonTunnel].Load() != 1 {
		t.Error("two lists are taken for one")
	}
}
