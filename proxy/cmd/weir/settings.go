package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// settings are the configuration file and the flags that beat it.
type settings struct {
	file         string
	flags        *pflag.FlagSet
	f            config.File // values of the flags
	redis, kafka string
}

func addSettings(c *cobra.Command) *settings {
	s := &settings{flags: c.Flags()}
	n := s.flags
	n.StringVarP(&s.file, "config", "c", "", "configuration file (YAML); flags beat it")
	n.StringSliceVar(&s.f.Listen, "listen", nil, "address for clients, HOST:PORT or unix:PATH; several by commas (default 127.0.0.1:4000)")
	n.StringVar(&s.f.Admin, "admin", "", "address of health, metrics and invalidation (default 127.0.0.1:9901)")
	n.StringVar(&s.f.Upstream, "upstream", "", "the service behind: http://HOST:PORT, https://HOST:PORT or unix:PATH")
	n.StringVar(&s.f.Schema, "schema", "", "SDL file; without one the upstream is introspected")
	n.StringVar(&s.redis, "redis", "", "Redis, HOST:PORT; several by commas")
	n.StringVar(&s.kafka, "kafka", "", "Kafka brokers, HOST:PORT; several by commas")
	n.StringVar(&s.f.Control, "control", "", "URL of the control plane")
	n.StringVar(&s.f.Token, "token", "", "token for the control plane; ${NAME} takes it from the environment")
	n.StringVar(&s.f.PriceBook, "price-book", "", "price book (YAML); without one the built-in book")
	n.StringVar(&s.f.State, "state", "", "folder for the last good configuration")
	n.StringVar(&s.f.Cache, "cache", "", "on or off (default on)")
	n.StringVar(&s.f.CacheMemory, "cache-memory", "", "size of the cache of this process (default 64MiB)")
	n.StringVar(&s.f.Identity.Service, "service", "", "name of the service in events and metrics (default graphql)")
	n.StringVar(&s.f.Identity.Instance, "instance", "", "name of this sidecar (default: the host name)")
	n.StringVar(&s.f.Log.Level, "log-level", "", "debug, info, warn or error (default info)")
	n.StringVar(&s.f.Log.Format, "log-format", "", "json or console (default json)")
	return s
}

// load reads the file, lays the flags over it and validates the whole.
func (s *settings) load() (*config.Static, *config.Values, error) {
	f, src := config.DefaultFile(), (*config.Source)(nil)
	if s.file != "" {
		var err error
		if f, src, err = config.ReadFile(s.file); err != nil {
			return nil, nil, err
		}
	}
	s.overlay(&f)
	return config.Compile(f, src, os.LookupEnv)
}

func (s *settings) overlay(f *config.File) {
	split := func(text string) []string {
		if text == "" {
			return nil
		}
		return strings.Split(text, ",")
	}
	set := map[string]func(){
		"listen": func() { f.Listen = s.f.Listen }, "admin": func() { f.Admin = s.f.Admin }, "upstream": func() { f.Upstream = s.f.Upstream },
		"schema": func() { f.Schema = s.f.Schema }, "redis": func() { f.Redis = split(s.redis) }, "kafka": func() { f.Kafka = split(s.kafka) },
		"control": func() { f.Control = s.f.Control }, "token": func() { f.Token = s.f.Token },
		"price-book": func() { f.PriceBook = s.f.PriceBook }, "state": func() { f.State = s.f.State }, "cache": func() { f.Cache = s.f.Cache },
		"cache-memory": func() { f.CacheMemory = s.f.CacheMemory }, "service": func() { f.Identity.Service = s.f.Identity.Service },
		"instance": func() { f.Identity.Instance = s.f.Identity.Instance }, "log-level": func() { f.Log.Level = s.f.Log.Level },
		"log-format": func() { f.Log.Format = s.f.Log.Format },
	}
	s.flags.Visit(func(flag *pflag.Flag) {
		if apply, ok := set[flag.Name]; ok {
			apply()
		}
	})
}

// tell prints a configuration's problems, one a line.
func tell(c *cobra.Command, err error) error {
	fmt.Fprintln(c.ErrOrStderr(), err)
	return errTold
}
