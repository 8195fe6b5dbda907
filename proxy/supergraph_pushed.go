package proxy

import (
	"crypto/sha256"
	"errors"
	"time"
)

var errNoSupergraph = errors.New("supergraph: this sidecar stands beside a service and asks no subgraphs; it takes a supergraph only when it is started with one (supergraph.file)")

// push puts the supergraph that a document of the control plane has in force, together with the document itself, which is for swap to do. Without
// a text the file's is in force again. swap gets nil when the supergraph stays the same. On an error all stays as it was.
func (k *supergraphs) push(text string, swap func(*federation) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := k.wanted(text)
	if err == nil {
		began := time.Now()
		if err = swap(next); err == nil {
			k.pushed.Store(text != "")
			if next != nil {
				k.force(next, "control plane", began)
			}
			return nil
		}
	}
	if next != nil {
		next.closeBut(k.now.Load().subgraphs)
	}
	if text != "" {
		k.refused.Add(1)
	}
	return err
}

// wanted makes the federation that a push asks for; nil: it is in force already.
func (k *supergraphs) wanted(text string) (*federation, error) {
	if text != "" {
		return k.build("supergraph.sdl", text, sha256.Sum256([]byte(text)))
	}
	if !k.pushed.Load() {
		return nil, nil
	}
	k.file.info = nil
	return k.look()
}
