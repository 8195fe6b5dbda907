package change

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/weirproxy/weir/cache"
)

// Parse reads an invalidation in the form of POST /cache/invalidate; problem says what is wrong with it.
type Parse func(body []byte) (inv cache.Invalidation, problem string)

// event is what is read of a CloudEvent in structured mode.
type event struct {
	SpecVersion string          `json:"specversion"`
	Data        json.RawMessage `json:"data"`
	Base64      *string         `json:"data_base64"`
}

// opened returns the data of a CloudEvent, and a value that is none as it is.
func opened(contentType string, value []byte) ([]byte, error) {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.TrimSpace(strings.ToLower(kind))
	if kind == "application/cloudevents-batch+json" {
		return nil, errors.New("is a batch of CloudEvents; write one event to a record")
	}
	structured := kind == "application/cloudevents+json"
	if !structured && !bytes.Contains(value, []byte(`"specversion"`)) {
		return value, nil
	}
	var e event
	if err := json.Unmarshal(value, &e); err != nil {
		return nil, errors.New("is no JSON")
	}
	switch {
	case e.SpecVersion == "" && !structured:
		return value, nil
	case e.Base64 != nil:
		data, err := base64.StdEncoding.DecodeString(*e.Base64)
		if err != nil {
			return nil, errors.New("is a CloudEvent whose data_base64 is none")
		}
		return data, nil
	case len(e.Data) == 0:
		return nil, errors.New("is a CloudEvent without data")
	}
	return e.Data, nil
}

// readPlain adds what a record says to the batch.
func readPlain(parse Parse, value []byte, b *Batch) (Outcome, error) {
	switch {
	case len(value) == 0:
		return Ignored, nil
	case len(value) > maxValue:
		return TooBig, errors.New("is larger than is read")
	}
	inv, problem := parse(value)
	if problem != "" {
		return Poison, shortened(errors.New(problem))
	}
	b.invalidation(inv)
	return Obeyed, nil
}

// maxReason bounds what is logged of a problem: it may quote the record.
const maxReason = 160

func shortened(err error) error {
	text := err.Error()
	if len(text) <= maxReason {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxReason], "") + "…")
}
