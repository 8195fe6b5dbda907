package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// setting is a flag that goes over a key of the file. Exactly one of text and list says where it belongs.
type setting struct {
	flag, key, help string
	text            func(*config.File) *string
	list            func(*config.File) *config.List // comma-separated
}

func table() []setting {
	type file = config.File
	return []setting{
		{"listen", "listen", "address for clients, HOST:PORT or unix:PATH; several by commas (default 127.0.0.1:4000)", nil, func(f *file) *config.List { return &f.Listen }},
		{"admin", "admin", "address of health, metrics and invalidation (default 127.0.0.1:9901)", func(f *file) *string { return &f.Admin }, nil},
		{"upstream", "upstream", "the service behind: http://HOST:PORT, https://HOST:PORT or unix:PATH", func(f *file) *string { return &f.Upstream }, nil},
		{"supergraph", "supergraph.file", "SDL file of a supergraph, in place of an upstream", func(f *file) *string { return &f.Supergraph.File }, nil},
		{"schema", "schema", "SDL file; without one the upstream is introspected", func(f *file) *string { return &f.Schema }, nil},
		{"redis", "redis", "Redis, HOST:PORT; several by commas", nil, func(f *file) *config.List { return &f.Redis }},
		{"kafka", "kafka", "Kafka brokers, HOST:PORT; several by commas", nil, func(f *file) *config.List { return &f.Kafka }},
		{"control", "control", "URL of the control plane", func(f *file) *string { return &f.Control }, nil},
		{"token", "token", "token for the control plane; ${NAME} takes it from the environment", func(f *file) *string { return &f.Token }, nil},
		{"price-book", "price_book", "price book (YAML); without one the built-in book", func(f *file) *string { return &f.PriceBook }, nil},
		{"state", "state", "folder for the last good configuration", func(f *file) *string { return &f.State }, nil},
		{"cache", "cache", "on or off (default on)", func(f *file) *string { return &f.Cache }, nil},
		{"cache-memory", "cache_memory", "size of the cache of this process (default 64MiB)", func(f *file) *string { return &f.CacheMemory }, nil},
		{"cache-warm-up", "cache_warm_up", "fill the cache from Redis for so long at most before ready (default 0s)", func(f *file) *string { return &f.CacheWarmUp }, nil},
		{"cache-save", "cache_save", "on: keep the cache in the state folder over a restart (default off)", func(f *file) *string { return &f.CacheSave }, nil},
		{"service", "identity.service", "name of the service in events and metrics (default graphql)", func(f *file) *string { return &f.Identity.Service }, nil},
		{"instance", "identity.instance", "name of this sidecar (default: the host name)", func(f *file) *string { return &f.Identity.Instance }, nil},
		{"log-level", "log.level", "debug, info, warn or error (default info)", func(f *file) *string { return &f.Log.Level }, nil},
		{"log-format", "log.format", "json or console (default json)", func(f *file) *string { return &f.Log.Format }, nil},
	}
}

// settings are the configuration file and the flags that beat it.
type settings struct {
	file  string
	flags *pflag.FlagSet
	texts map[string]*string   // by flag
	lists map[string]*[]string // by flag
}

func addSettings(c *cobra.Command) *settings {
	s := &settings{flags: c.Flags(), texts: map[string]*string{}, lists: map[string]*[]string{}}
	s.flags.StringVarP(&s.file, "config", "c", "", "configuration file (YAML); flags beat it")
	for _, t := range table() {
		if t.list != nil {
			s.lists[t.flag] = s.flags.StringSlice(t.flag, nil, t.help)
			continue
		}
		s.texts[t.flag] = s.flags.String(t.flag, "", t.help)
	}
	return s
}

// load reads the file, lays the flags over it and validates the whole.
func (s *settings) load() (*config.Static, *config.Values, error) {
	f, src, err := s.read()
	if err != nil {
		return nil, nil, err
	}
	static, values, err := config.Compile(f, src, os.LookupEnv)
	return static, values, s.blame(err)
}

// read returns the file, or the defaults without one, under the flags.
func (s *settings) read() (config.File, *config.Source, error) {
	f, src := config.DefaultFile(), (*config.Source)(nil)
	if s.file != "" {
		var err error
		if f, src, err = config.ReadFile(s.file); err != nil {
			return f, nil, err
		}
	}
	for _, t := range table() {
		switch {
		case !s.flags.Changed(t.flag):
		case t.list != nil:
			*t.list(&f) = trimmed(*s.lists[t.flag])
		default:
			*t.text(&f) = *s.texts[t.flag]
		}
	}
	return f, src, nil
}

// blame names the flag in problems with a value that came from one: the file's value is not what is wrong.
func (s *settings) blame(err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for i := range problems {
		p := &problems[i]
		for _, t := range table() {
			if s.flags.Changed(t.flag) && (p.Path == t.key || strings.HasPrefix(p.Path, t.key+"[")) {
				p.File, p.Line, p.Column = "--"+t.flag, 0, 0
			}
		}
	}
	return problems
}

// trimmed drops blanks around items, and items that are empty.
func trimmed(items []string) []string {
	var list []string
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// tell prints what is wrong: problems of a configuration one a line, beginning with file:line:column as editors read it.
func tell(c *cobra.Command, err error) error {
	if problems := config.Problems(nil); errors.As(err, &problems) {
		fmt.Fprintln(c.ErrOrStderr(), problems)
		return errTold
	}
	return err
}
