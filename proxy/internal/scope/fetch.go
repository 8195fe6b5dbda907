package scope

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	fetchTime    = 5 * time.Second // bounds one fetch
	firstRetry   = time.Second
	maxRetry     = time.Minute
	maxAge       = 24 * time.Hour // of keys whose source does not answer: one of them may have been withdrawn
	burst        = 3              // fetches that are made at once when tokens ask for unknown keys,
	burstPause   = 30 * time.Second
	maxRedirects = 3
)

// follow keeps a key set up to date until ctx ends. A source that does not answer holds nothing up: until it does, its tokens bypass the
// cache; later the last good set stays.
func (k *keys) follow(ctx context.Context, fetch func(context.Context) ([]byte, error), refresh time.Duration, log *slog.Logger) {
	var times [burst]time.Time // of the last fetches
	next, retry, failing := time.Now(), firstRetry, false
	for i := 0; ; i++ {
		if !k.pause(ctx, next, times[i%burst]) {
			return
		}
		times[i%burst] = time.Now()
		before := k.generation.Load()
		err := k.renew(ctx, fetch)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			next, retry = time.Now().Add(refresh), firstRetry
			switch {
			case k.generation.Load() != before:
				log.Info("new signing keys are in force", "keys", len(k.current.Load().all))
			case failing:
				log.Info("signing keys can be had again")
			}
			failing = false
			continue
		}
		if !failing {
			log.Warn("signing keys cannot be had; the last good ones stay for a day", "error", err)
		}
		failing = true
		if since := k.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > maxAge {
			k.replace(nil)
		}
		next = time.Now().Add(min(retry, refresh))
		retry = min(2*retry, maxRetry)
	}
}

// pause waits for the next fetch, or until a token asks for one and the burst allows it; oldest is when the burst began.
func (k *keys) pause(ctx context.Context, next, oldest time.Time) bool {
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	wanted := k.wanted
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-wanted:
			if at := oldest.Add(burstPause); at.Before(next) {
				timer.Reset(max(0, time.Until(at)))
			}
			wanted = nil
		}
	}
}

func (k *keys) renew(ctx context.Context, fetch func(context.Context) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	k.fetches.Add(1)
	text, err := fetch(ctx)
	var set *keySet
	if err == nil {
		set, err = parseKeySet(text)
	}
	if err != nil {
		k.failures.Add(1)
		return err
	}
	k.replace(set)
	k.since.Store(time.Now().UnixNano())
	return nil
}

// fromURL returns what fetches a key set. Keys decide who is who, so they come by TLS, or from this machine.
func fromURL(address, ca string) (func(context.Context) ([]byte, error), error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("jwks_url: %q is no URL; write https://HOST/PATH", address)
	}
	if u.Scheme == "http" && !local(u.Hostname()) {
		return nil, fmt.Errorf("jwks_url: %s would take keys from whoever answers; write https://, with jwks_ca for a private authority", address)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("jwks_ca: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("jwks_ca: %s holds no certificate; write the authority's in PEM", ca)
		}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || r.URL.Scheme != u.Scheme {
			return errors.New("it redirects too often, or away from TLS")
		}
		return nil
	}}
	return func(ctx context.Context) ([]byte, error) { return get(ctx, client, address) }, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("User-Agent", "weir")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered with status %d", address, response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
}

// fromFile returns what reads a key set that somebody may replace.
func fromFile(name string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, maxKeySet+1))
	}
}
