package answer

import "testing"

func TestNegotiateIncremental(t *testing.T) {
	for accept, want := range map[string]Incremental{
		"": IncrementalNone, "application/json": IncrementalNone, "*/*": IncrementalNone, "multipart/mixed": IncrementalNone,
		"multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9":   Incremental2022, // Apollo Client 3 and 4
		"multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9": IncrementalV02,  // Apollo Client 4
		`application/json, Multipart/Mixed; boundary="-"; deferspec="20220824"`:                         Incremental2022,
		"multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2":                      IncrementalV02,
		"multipart/mixed;incrementalSpec=v0.2;q=0.5, multipart/mixed;deferSpec=20220824":                Incremental2022,
		"multipart/mixed;incrementalSpec=v0.2;q=0, application/json":                                    IncrementalNone,
		"multipart/mixed;incrementalSpec=v0.3, multipart/mixed;deferSpec=20200101, application/json":    IncrementalNone,
		"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json":                        IncrementalNone,
		"text/event-stream, application/json":                                                           IncrementalNone,
		"multipart/mixed;deferSpec=20220824, text/event-stream":                                         Incremental2022,
	} {
		if got, events := NegotiateIncremental([]byte(accept)); got != want || events {
			t.Errorf("%s: %v, want %v; as events: %v", accept, got, want, events)
		}
	}
	for accept, want := range map[string]Incremental{
		"text/event-stream;incrementalSpec=v0.2":                                         IncrementalV02,
		"application/json;q=0.5, text/event-stream;deferSpec=20220824":                   Incremental2022,
		"multipart/mixed;deferSpec=20220824;q=0.9, text/event-stream;deferSpec=20220824": Incremental2022,
	} {
		if got, events := NegotiateIncremental([]byte(accept)); got != want || !events {
			t.Errorf("%s: %v, want %v; as events: %v", accept, got, want, events)
		}
	}
}
