package config

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// compileRedis checks how the shared tier is reached, and takes secrets from the environment.
func compileRedis(d *document, s *Static, f *File, env Env) {
	for i, a := range f.Redis {
		checkAddress(d, fmt.Sprintf("redis[%d]", i), a)
	}
	if len(f.Redis) == 0 {
		for _, k := range []struct {
			path string
			set  bool
		}{
			{"redis_master", f.RedisMaster != ""},
			{"redis_cluster", f.RedisCluster},
			{"redis_tls", f.RedisTLS != nil},
			{"redis_db", f.RedisDB != 0},
		} {
			if k.set {
				d.addf(k.path, "has no use without redis; give the server's HOST:PORT there, or remove the key")
			}
		}
	}
	if f.RedisCluster && f.RedisMaster != "" {
		d.addf("redis_cluster", "cannot stand beside redis_master; a cluster fails over by itself, remove one of both")
	}
	if f.RedisMaster == "" && (f.RedisSentinelUsername != "" || f.RedisSentinelPassword != "") {
		d.addf("redis_sentinel_password", "is for Sentinels only; name the master they watch by redis_master, or remove redis_sentinel_username and redis_sentinel_password")
	}
	between(d, "redis_db", f.RedisDB, 0, 1<<20)
	if f.RedisDB != 0 && f.RedisMaster == "" && (f.RedisCluster || len(f.Redis) > 1) {
		d.addf("redis_db", "is %d; a cluster has only database 0, remove the key", f.RedisDB)
	}
	if strings.ContainsAny(f.Namespace, "{} \t\r\n") || f.Namespace == "" {
		d.addf("namespace", "%q is no name; write letters, digits, dots or dashes (braces would put all values into one slot of a cluster)", f.Namespace)
	}
	checkTLS(d, "redis_tls", f.RedisTLS)
	s.File.RedisPassword = secret(d, env, "redis_password", f.RedisPassword)
	s.File.RedisSentinelPassword = secret(d, env, "redis_sentinel_password", f.RedisSentinelPassword)
}

// Encryption seals what stands in Redis.
type Encryption struct {
	Keys []EncryptionKey `yaml:"keys" json:"keys,omitempty" jsonschema:"description=The first seals\\, all open: a new key is added behind the old one first\\, then put in front"`
}

// EncryptionKey is one key, from exactly one of its two sources.
type EncryptionKey struct {
	ID   string `yaml:"id" json:"id" jsonschema:"description=Name that stands in each value; up to 32 bytes"`
	Key  string `yaml:"key" json:"key,omitempty" jsonschema:"description=32 random bytes in base64; ${NAME} takes it from the environment"`
	File string `yaml:"file" json:"file,omitempty" jsonschema:"description=File with 32 random bytes or their base64"`
}

// Compression makes large values smaller before they go to Redis.
type Compression struct {
	Codec string `yaml:"codec" json:"codec,omitempty" jsonschema:"enum=s2,enum=zstd,enum=none,description=s2 costs little time; zstd makes smaller"`
	Above string `yaml:"above" json:"above,omitempty" jsonschema:"description=Values up to this size go as they are"`
}

const keyCure = "write 32 random bytes in base64, for instance from: openssl rand -base64 32"

// compileStored checks what values in Redis look like.
func compileStored(d *document, s *Static, f *File, env Env) {
	oneOf(d, "cache_compression.codec", f.CacheCompression.Codec, "s2", "zstd", "none")
	s.CompressAbove = int(size(d, "cache_compression.above", f.CacheCompression.Above, 0, 256<<20))
	seen := map[string]bool{}
	s.File.CacheEncryption.Keys = nil
	for i, k := range f.CacheEncryption.Keys {
		at := fmt.Sprintf("cache_encryption.keys[%d]", i)
		switch {
		case k.ID == "" || len(k.ID) > 32 || strings.ContainsAny(k.ID, " \t\r\n"):
			d.addf(at+".id", "%q is no id; write 1 to 32 letters and digits that tell this key from others", k.ID)
		case seen[k.ID]:
			d.addf(at+".id", "%q is given twice; each key needs an id of its own, for values say by it what opens them", k.ID)
		}
		seen[k.ID] = true
		if (k.Key == "") == (k.File == "") {
			d.addf(at, "has none or both of key and file; give one")
		}
		if k.Key != "" {
			k.Key = secret(d, env, at+".key", k.Key)
			if b, err := base64.StdEncoding.DecodeString(k.Key); err != nil || len(b) != 32 {
				d.addf(at+".key", "is no key; %s", keyCure)
			}
		}
		s.File.CacheEncryption.Keys = append(s.File.CacheEncryption.Keys, k)
	}
}
