package proxy

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// Reload reads the configuration again and puts its policy in force, under what the control plane has pushed. On an error, which is counted, everything
// stays as it was. waits are the other keys of the file that differ from what the process was started with: they need a restart.
func (s *Sidecar) Reload(read func() (*config.Static, *config.Values, error)) (waits []string, err error) {
	static, values, err := read()
	if err == nil {
		err = s.policies.reload(static.File.Policy, values)
	}
	if err != nil {
		s.policies.configErrors.Add(1)
		return nil, err
	}
	return differing(s.cfg.Static.File, static.File), nil
}

// differing names the keys of two files that differ, but for the policy.
func differing(a, b config.File) (keys []string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		key, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("yaml"), ",")
		if key != "policy" && !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			keys = append(keys, key)
		}
	}
	return keys
}

// reload takes another policy as that of the sidecar's own file.
func (p *policies) reload(own config.Policy, v *config.Values) error {
	p.applying.Lock()
	defer p.applying.Unlock()
	if err := p.under(own, v); err != nil {
		return err
	}
	p.mu.Lock()
	p.own = own
	p.mu.Unlock()
	return nil
}

// under puts v, the compiled policy of the file, in force, or what was pushed over it.
func (p *policies) under(own config.Policy, v *config.Values) error {
	if p.pushed == nil {
		return p.swap(v, 0, "", nil)
	}
	over, err := parsePushed(*p.pushed, own)
	if err != nil {
		return err
	}
	return p.put(over, *p.pushed)
}

// apply is the agent's: it validates, compiles and swaps a pushed configuration. An error is told to the control plane, and what was in
// force stays.
func (p *policies) apply(_ context.Context, s agent.Snapshot) error {
	p.applying.Lock()
	defer p.applying.Unlock()
	v, err := parsePushed(s, p.own)
	if err == nil {
		err = p.put(v, s)
	}
	if err != nil {
		p.configErrors.Add(1) // the agent logs it
		return err
	}
	p.pushed = &s
	return nil
}

func parsePushed(s agent.Snapshot, own config.Policy) (*config.Values, error) {
	return config.ParsePolicy(fmt.Sprintf("version %d", s.Version), s.Config, own)
}
