package proxy

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/config"
)

func newStore(s *config.Static, log *slog.Logger) (*cache.Store, error) {
	c, err := storeConfig(s)
	if err != nil {
		return nil, err
	}
	c.Logger = log
	return cache.Open(c)
}

// storeConfig reads the files that the cache's configuration names.
func storeConfig(s *config.Static) (cache.Config, error) {
	f := &s.File
	c := cache.Config{
		Instance: f.Identity.Instance,
		MaxBytes: s.CacheMemory, Namespace: f.Namespace, Jitter: ttlJitter, Redis: f.Redis, RedisMaster: f.RedisMaster,
		RedisCluster: f.RedisCluster, RedisUsername: f.RedisUsername, RedisPassword: f.RedisPassword, RedisDB: f.RedisDB,
		SentinelUsername: f.RedisSentinelUsername, SentinelPassword: f.RedisSentinelPassword,
	}
	var err error
	c.RedisTLS, err = redisTLS(f.RedisTLS)
	return c, err
}

// redisTLS returns how connections to Redis are encrypted, nil when they are not. The own certificate is read with each connection, so
// that a renewed one needs no restart.
func redisTLS(t *config.RedisTLS) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		var err error
		if c.RootCAs, err = authorities("redis_tls.ca", t.CA); err != nil {
			return nil, err
		}
	}
	if t.Cert != "" {
		read := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
			if err != nil {
				return nil, fmt.Errorf("redis_tls: %w; cert and key must be PEM files that belong together and that this user may read", err)
			}
			return &pair, nil
		}
		if _, err := read(); err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	}
	return c, nil
}
