package proxy

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/line"
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
		MaxBytes: s.CacheMemory, Namespace: f.Namespace, Jitter: ttlJitter, Revalidates: line.Revalidates, Popular: s.WarmUp > 0, Redis: f.Redis, RedisMaster: f.RedisMaster,
		RedisCluster: f.RedisCluster, RedisUsername: f.RedisUsername, RedisPassword: f.RedisPassword, RedisDB: f.RedisDB,
		SentinelUsername: f.RedisSentinelUsername, SentinelPassword: f.RedisSentinelPassword,
	}
	c.Compression, c.CompressAbove = f.CacheCompression.Codec, s.CompressAbove
	var err error
	if c.Encryption, err = encryptionKeys(f.CacheEncryption.Keys); err != nil {
		return c, err
	}
	c.RedisTLS, err = clientTLS("redis_tls", f.RedisTLS)
	return c, err
}

const secretSize = 32

// encryptionKeys reads the keys that stand in files.
func encryptionKeys(keys []config.EncryptionKey) ([]cache.EncryptionKey, error) {
	var list []cache.EncryptionKey
	for i, k := range keys {
		text := []byte(k.Key)
		if k.File != "" {
			var err error
			if text, err = os.ReadFile(k.File); err != nil {
				return nil, fmt.Errorf("cache_encryption.keys[%d].file: %w; name a file that this user may read", i, err)
			}
		}
		if len(text) != secretSize {
			b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
			if err != nil || len(b) != secretSize {
				return nil, fmt.Errorf("cache_encryption.keys[%d]: %q is no key; give 32 random bytes or their base64: openssl rand -base64 32", i, k.ID)
			}
			text = b
		}
		list = append(list, cache.EncryptionKey{ID: k.ID, Secret: text})
	}
	return list, nil
}
