package wire

import (
	"strings"
	"testing"
)

func TestHeadersThatTellWhoTheClientIs(t *testing.T) {
	var h RequestHead
	for _, name := range credentials {
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ReplaceAll(name, "-", "_")} {
			if h.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\n"+spelled+": 1\r\n\r\n"), maxHead) != OK || !h.Credentials {
				t.Errorf("%s is not seen", spelled)
			}
		}
		if IsCredential([]byte(name+"x")) || IsCredential([]byte("y"+name[1:])) {
			t.Errorf("a name beside %s is taken for it", name)
		}
	}
	if h.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\nAccept: x-user\r\nUser-Agent: x\r\nTraceparent: 00\r\nx: 1\r\n\r\n"), maxHead) != OK || h.Credentials {
		t.Error("ordinary headers are taken for credentials")
	}
}
