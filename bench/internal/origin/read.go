package origin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
)

// envelope is the JSON form of one request.
type envelope struct {
	Query         *string        `json:"query"`
	OperationName *string        `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    struct {
		PersistedQuery *struct {
			Version int    `json:"version"`
			Hash    string `json:"sha256Hash"`
		} `json:"persistedQuery"`
	} `json:"extensions"`
}

// badRequest is a request that never becomes an operation.
type badRequest struct {
	status        int
	message, code string
}

func (b *badRequest) Error() string { return b.message }

// persisted is the store of automatic persisted queries; beyond its bound it starts again, empty.
type persisted struct {
	mu        sync.Mutex
	documents map[string]string
}

// document resolves the persisted-query extension of a request.
func (p *persisted) document(e *envelope) (string, error) {
	query := ""
	if e.Query != nil {
		query = *e.Query
	}
	extension := e.Extensions.PersistedQuery
	if extension == nil {
		if query == "" {
			return "", &badRequest{http.StatusBadRequest, "the request has no query", "BAD_REQUEST"}
		}
		return query, nil
	}
	if extension.Version != 1 {
		return "", &badRequest{http.StatusBadRequest, "unsupported persisted query version", "PERSISTED_QUERY_NOT_SUPPORTED"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if query == "" {
		known, ok := p.documents[extension.Hash]
		if !ok {
			return "", &badRequest{http.StatusOK, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"}
		}
		return known, nil
	}
	sum := sha256.Sum256([]byte(query))
	if hex.EncodeToString(sum[:]) != extension.Hash {
		return "", &badRequest{http.StatusBadRequest, "provided sha does not match query", "BAD_REQUEST"}
	}
	if len(p.documents) >= maxPersisted {
		clear(p.documents)
	}
	p.documents[extension.Hash] = query
	return query, nil
}

// negotiate picks the media type of the answer: the GraphQL one only for those who name it.
func negotiate(r *http.Request) string {
	if strings.Contains(r.Header.Get("Accept"), mediaGraphQL) {
		return mediaGraphQL
	}
	return mediaJSON
}

// read decodes the request or requests.
func read(w http.ResponseWriter, r *http.Request) (items []envelope, batch bool, err error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		e, err := fromQuery(r)
		return []envelope{e}, false, err
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, POST")
		return nil, false, &badRequest{http.StatusMethodNotAllowed, "use GET or POST", "METHOD_NOT_ALLOWED"}
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON {
		return nil, false, &badRequest{http.StatusUnsupportedMediaType, "send application/json", "UNSUPPORTED_MEDIA_TYPE"}
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, false, &badRequest{http.StatusUnsupportedMediaType, "send UTF-8", "UNSUPPORTED_MEDIA_TYPE"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, false, &badRequest{http.StatusRequestEntityTooLarge, err.Error(), "BAD_REQUEST"}
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		if err := decode(body, &items); err != nil {
			return nil, true, err
		}
		if len(items) == 0 || len(items) > maxBatch {
			return nil, true, &badRequest{http.StatusBadRequest, fmt.Sprintf("a batch has 1 to %d requests", maxBatch), "BAD_REQUEST"}
		}
		return items, true, nil
	}
	items = make([]envelope, 1)
	return items, false, decode(body, &items[0])
}

func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return &badRequest{http.StatusBadRequest, "the body is no GraphQL request: " + err.Error(), "BAD_REQUEST"}
	}
	if d.More() {
		return &badRequest{http.StatusBadRequest, "the body goes on after the request", "BAD_REQUEST"}
	}
	return nil
}

func fromQuery(r *http.Request) (e envelope, err error) {
	q := r.URL.Query()
	if q.Has("query") {
		query := q.Get("query")
		e.Query = &query
	}
	if q.Has("operationName") {
		name := q.Get("operationName")
		e.OperationName = &name
	}
	if raw := q.Get("variables"); raw != "" {
		if err := decode([]byte(raw), &e.Variables); err != nil {
			return e, err
		}
	}
	if raw := q.Get("extensions"); raw != "" {
		if err := decode([]byte(raw), &e.Extensions); err != nil {
			return e, err
		}
	}
	return e, nil
}
