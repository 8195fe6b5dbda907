package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/policy"
)

func TestWebSocket(t *testing.T) {
	f := DefaultFile()
	f.Supergraph.File = "supergraph.graphql"
	f.Upstream = ""
	f.Supergraph.WebSocket.Headers, f.Supergraph.WebSocket.Origins = List{"Authorization", " X-User"}, List{"*.Shop.example"}
	static, _, err := Compile(f, nil, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Sockets{On: true, Init: 10 * time.Second, Operations: 100, Headers: []string{"authorization", "x-user"}, Origins: []string{"*.shop.example"}}
	if got := static.Fetching.Sockets; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	f.Supergraph.WebSocket = WebSocket{
		Mode: "maybe", Init: "0s", Headers: List{"x-*", "cookie", "X-Forwarded-Host", "host", "traceparent"}, Origins: List{"https://shop.example", "[", "localhost:3000"},
	}
	_, _, err = Compile(f, nil, os.LookupEnv)
	for _, at := range []string{
		"websocket.mode", "websocket.init_timeout", "websocket.operations", "websocket.init_headers[0]", "websocket.init_headers[1]", "websocket.init_headers[2]",
		"websocket.init_headers[3]", "websocket.origins[0]", "websocket.origins[1]",
	} {
		if err == nil || !strings.Contains(err.Error(), "supergraph."+at) {
			t.Errorf("%s is not named in %v", at, err)
		}
	}
	for _, at := range []string{"init_headers[4]", "origins[2]"} {
		if err != nil && strings.Contains(err.Error(), at) {
			t.Errorf("%s is named in %v", at, err)
		}
	}
}
