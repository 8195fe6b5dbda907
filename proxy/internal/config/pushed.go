package config

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
)

// Pushed is the document that the control plane pushes: the policy part, under the same key as in the file, and perhaps a supergraph.
type Pushed struct {
	Policy     Policy           `yaml:"policy"`
	Supergraph PushedSupergraph `yaml:"supergraph"`
}

// PushedSupergraph takes the place of supergraph.file for as long as the document is in force. One of the two has it.
type PushedSupergraph struct {
	SDL  string `yaml:"sdl"`
	Gzip string `yaml:"sdl_gzip"` // the same, compressed with gzip, in base64: for what is larger than a document may be
}

// maxPushedSDL bounds a supergraph in a document, bytes.
const maxPushedSDL = 8 << 20

// ParsePolicy reads a pushed document over base, the policy of the sidecar's own file, and compiles its values: what a push is silent
// about stays as the file says. A key of the static part is a problem: it needs a restart. name stands in problems.
func ParsePolicy(name string, text []byte, base Policy) (*Values, error) {
	p := Pushed{Policy: base.clone()}
	d, err := decode(name, text, &p)
	if err != nil {
		return nil, err
	}
	v := compilePolicy(d, "policy.", &p.Policy)
	v.Supergraph = p.Supergraph.SDL
	if p.Supergraph.Gzip != "" {
		if v.Supergraph != "" {
			d.addf("supergraph.sdl", "sdl_gzip has a supergraph, too; write one of them")
		}
		if v.Supergraph, err = unzip(p.Supergraph.Gzip); err != nil {
			d.addf("supergraph.sdl_gzip", "it is no SDL compressed with gzip, in base64: %v", err)
		}
	}
	return v, d.err()
}

func unzip(text string) (string, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	sdl, err := io.ReadAll(io.LimitReader(r, maxPushedSDL+1))
	switch {
	case err != nil:
		return "", err
	case len(sdl) > maxPushedSDL:
		return "", errors.New("it is larger than 8 MiB")
	case len(sdl) == 0:
		return "", errors.New("it is empty")
	}
	return string(sdl), nil
}
