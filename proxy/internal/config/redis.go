package config

import (
	"fmt"
	"strings"
)

// RedisTLS makes connections to Redis encrypted. Empty, it trusts the authorities of the system.
type RedisTLS struct {
	CA         string `yaml:"ca" json:"ca,omitempty" jsonschema:"description=PEM file with the authorities that the server's certificate may be from; default: those of the system"`
	Cert       string `yaml:"cert" json:"cert,omitempty" jsonschema:"description=PEM file with the certificate to show when the server asks for one"`
	Key        string `yaml:"key" json:"key,omitempty" jsonschema:"description=PEM file with its private key"`
	ServerName string `yaml:"server_name" json:"server_name,omitempty" jsonschema:"description=Name that the server's certificate must be for; default: the host of its address"`
}

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
	if t := f.RedisTLS; t != nil && (t.Cert == "") != (t.Key == "") {
		d.addf("redis_tls", "has only one of cert and key; give both, or none when the server asks for no certificate")
	}
	s.File.RedisPassword = secret(d, env, "redis_password", f.RedisPassword)
	s.File.RedisSentinelPassword = secret(d, env, "redis_sentinel_password", f.RedisSentinelPassword)
}
