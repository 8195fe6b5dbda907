package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxConfigBytes bounds a configuration document.
const MaxConfigBytes = 1 << 20

// What a document is measured by before it is given to the parser, which recurses with depth and whose time grows with the square of the rest.
const (
	maxYAMLDepth  = 200
	maxYAMLLines  = 20_000
	maxYAMLCommas = 20_000
	maxYAMLBlanks = 1000 // blank lines in a row
)

// Document is a stored configuration.
type Document struct {
	Version  uint64    `json:"version"`
	Service  string    `json:"service,omitempty"` // empty: for every service without a document of its own
	Hash     string    `json:"hash"`              // SHA-256 of Config, hex
	Size     int       `json:"size"`              // bytes
	Stored   time.Time `json:"stored"`
	StoredBy string    `json:"stored_by,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	DryRun   bool      `json:"dry_run,omitempty"` // checked, nothing stored; Version is what it would have got
	Config   string    `json:"config,omitempty"`
}

// Hash is the SHA-256 of a document's bytes in lower-case hex.
func Hash(config []byte) string {
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:])
}

// CheckConfig checks that a document is one well-formed YAML mapping of bounded size. What its keys mean is the sidecar's business. The error is an *Error
// that names line and column.
func CheckConfig(config []byte) error {
	switch {
	case len(config) > MaxConfigBytes:
		return &Error{Code: "config.size", Message: fmt.Sprintf("the document has %d bytes, the maximum is %d", len(config), MaxConfigBytes), Cure: "keep schemas and price books in files of their own", Status: 413}
	case len(bytes.TrimSpace(config)) == 0:
		return invalid("config.empty", "the document is empty", "send the policy as YAML, for instance `cache: {enabled: true}`")
	case !utf8.Valid(config):
		return invalid("config.encoding", "the document is not UTF-8", "save it as UTF-8")
	case tooDeep(config):
		return invalid("config.depth", fmt.Sprintf("the document nests deeper than %d", maxYAMLDepth), "flatten it")
	case tooMany(config):
		return invalid("config.shape", fmt.Sprintf("the document has more than %d lines or %d commas, or %d blank lines in a row", maxYAMLLines, maxYAMLCommas, maxYAMLBlanks), "keep lists and schemas in files of their own")
	case bytes.Count(config, []byte("\r")) != bytes.Count(config, []byte("\r\n")):
		return invalid("config.encoding", "the document has carriage returns without line feeds", "save it with LF or CRLF line ends")
	}
	file, err := parseYAML(config)
	if err != nil {
		return invalid("config.yaml", "not well-formed YAML: "+firstLine(err), "correct the line named")
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.NullType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return invalid("config.empty", "the document holds only comments", "send the policy as YAML, for instance `cache: {enabled: true}`")
	}
	if len(bodies) > 1 {
		return invalid("config.yaml", fmt.Sprintf("there are %d YAML documents in one", len(bodies)), "apply them one by one")
	}
	if t := bodies[0].Type(); t != ast.MappingType && t != ast.MappingValueType {
		at := bodies[0].GetToken().Position
		return invalid("config.yaml", fmt.Sprintf("%d:%d: the document is not a mapping", at.Line, at.Column), "write keys and values")
	}
	return nil
}

// parseYAML turns a panic of the parser into an error: what comes over the network must not end the server.
func parseYAML(config []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	return parser.ParseBytes(config, 0)
}

// tooDeep bounds flow brackets and what stands before the first word of a line, both of which a YAML parser follows by recursion.
func tooDeep(config []byte) bool {
	open := 0
	for line := range bytes.Lines(config) {
		if len(line)-len(bytes.TrimLeft(line, " \t-?:!&*")) > 4*maxYAMLDepth {
			return true
		}
		for _, c := range line {
			switch c {
			case '{', '[':
				if open++; open > maxYAMLDepth {
					return true
				}
			case '}', ']':
				open = max(0, open-1)
			}
		}
	}
	return false
}

// tooMany bounds what makes the parser slow.
func tooMany(config []byte) bool {
	if bytes.Count(config, []byte("\n")) > maxYAMLLines || bytes.Count(config, []byte(",")) > maxYAMLCommas {
		return true
	}
	blanks := 0
	for line := range bytes.Lines(config) {
		if blanks++; len(bytes.TrimSpace(line)) > 0 {
			blanks = 0
		}
		if blanks > maxYAMLBlanks {
			return true
		}
	}
	return false
}

// firstLine is the error without the parser's picture of the source.
func firstLine(err error) string {
	text := yaml.FormatError(err, false, false)
	if i := bytes.IndexByte([]byte(text), '\n'); i >= 0 {
		text = text[:i]
	}
	return text
}
