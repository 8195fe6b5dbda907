package scrape

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const maxBody = 16 << 20

// Body gets a URL; anything but 200 is an error.
func Body(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return do(r)
}

// Post sends JSON; any status but 2xx is an error with the answer's text.
func Post(ctx context.Context, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return do(r)
}

func do(r *http.Request) ([]byte, error) {
	r.Close = true // single questions: no idle connection is left behind
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", r.Method, r.URL, resp.Status, bytes.TrimSpace(raw))
	}
	return raw, nil
}

// Sample is one line.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Metrics are samples by metric name.
type Metrics map[string][]Sample

// Get reads url.
func Get(ctx context.Context, url string) (Metrics, error) {
	raw, err := Body(ctx, url)
	if err != nil {
		return nil, err
	}
	return Parse(raw)
}

// Parse reads the text format, without comments and timestamps.
func Parse(raw []byte) (Metrics, error) {
	m := Metrics{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, maxBody)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, s, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("metrics line %d: %w", n, err)
		}
		m[name] = append(m[name], s)
	}
	return m, lines.Err()
}

func parseLine(line string) (string, Sample, error) {
	s := Sample{Labels: map[string]string{}}
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return "", s, fmt.Errorf("%q has no value", line)
	}
	name, rest := line[:end], line[end:]
	if rest[0] == '{' {
		var err error
		if rest, err = labels(rest[1:], s.Labels); err != nil {
			return "", s, fmt.Errorf("%s: %w", name, err)
		}
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return "", s, fmt.Errorf("%s has no value", name)
	}
	var err error
	s.Value, err = strconv.ParseFloat(fields[0], 64)
	return name, s, err
}

// labels reads up to the closing brace.
func labels(text string, into map[string]string) (rest string, err error) {
	for {
		text = strings.TrimLeft(text, ", ")
		if after, ok := strings.CutPrefix(text, "}"); ok {
			return after, nil
		}
		name, after, ok := strings.Cut(text, "=")
		if !ok {
			return "", fmt.Errorf("labels end early at %q", text)
		}
		quoted, err := strconv.QuotedPrefix(after)
		if err != nil {
			return "", fmt.Errorf("label %s: %w", name, err)
		}
		if into[name], err = strconv.Unquote(quoted); err != nil {
			return "", fmt.Errorf("label %s: %w", name, err)
		}
		text = after[len(quoted):]
	}
}

// Sum adds the samples of a metric whose labels have all the given pairs (name, value, name, value, …). ok is false when there is none.
func (m Metrics) Sum(name string, pairs ...string) (sum float64, ok bool) {
	for _, s := range m[name] {
		if s.has(pairs) {
			sum, ok = sum+s.Value, true
		}
	}
	return sum, ok
}

func (s *Sample) has(pairs []string) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if s.Labels[pairs[i]] != pairs[i+1] {
			return false
		}
	}
	return true
}
