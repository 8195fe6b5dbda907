package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/controlplane/api"
)

func (w *world) exposes(s *sidecar) {
	w.Helper()
	if _, a := s.population(w.cities[105]); a.WeirCost == "" {
		w.Errorf("the pushed policy does not hold: no header Weir-Cost\n%s", s.Tail())
	}
}

// controlComesAndGoes follows a sidecar from a control plane that is not there to one that was there, and through a restart without one.
func controlComesAndGoes(w *world) {
	address := w.free()
	s := w.sidecar("a", "--control", "http://"+address, "--token", token)
	traffic := w.traffic(0.02, s)
	w.untilMetric(s, 0, "weir_control_connected")
	w.until("the log says it", func() error {
		if s.logged("control plane not reachable") == 0 {
			return errors.New(s.Tail())
		}
		return nil
	})
	server := w.control(address)
	w.untilMetric(s, 1, "weir_control_connected")
	w.logs(s, 1, "control plane not reachable")

	w.call(address, "policy: {expose: true}\n", "apply", "-f", "-", "--wait", failTime.String())
	w.untilMetric(s, 1, "weir_config_version")
	w.exposes(s)
	w.refuses(s, address)
	traffic.flows()

	w.call(address, "", "command", api.KindDisableOperation, "--operation", "Switched", "--ttl", "5m", "--reason", "test")
	disabled := func() error {
		a, err := s.post("Switched", `query Switched { continents { code } }`, "{}")
		if err == nil && a.WeirError != "lease.disabled" {
			err = fmt.Errorf("%d %s %s", a.Status, a.WeirError, a.Body)
		}
		return err
	}
	w.until("the command holds", disabled)

	if err := w.end(server, server.Kill); err != nil {
		w.Fatal(err)
	}
	w.untilMetric(s, 0, "weir_control_connected")
	traffic.flows()
	w.exposes(s)
	traffic.end()
	if n := s.logged("control plane not reachable"); n < 2 || n > 3 { // one more for the outage, or two: a broken stream is another reason than a refused connection
		w.Errorf("%d log lines about the control plane\n%s", n, s.Tail())
	}

	if err := w.end(s.Process, s.Stop); err != nil {
		w.Fatal(err)
	}
	s.begin()
	w.untilMetric(s, 3, "weir_config_version")
	w.exposes(s)
	w.until("the command holds without a control plane", disabled)
	w.logs(s, 1, "last-known-good configuration applied")
	shown, err := scrape.Body(w.Context(), s.adminURL("/config"))
	if err != nil || strings.Contains(string(shown), token) {
		w.Errorf("/config: %v\n%s", err, shown)
	}
	for _, want := range []string{"pushed_policy:", "version: 3", "expose: true", "disable_operation Switched"} {
		if !strings.Contains(string(shown), want) {
			w.Errorf("/config has no %q:\n%s", want, shown)
		}
	}
}

// refuses pushes a policy with a wrong value over version 1, and a right one after it.
func (w *world) refuses(s *sidecar, address string) {
	w.Helper()
	w.call(address, "policy:\n  expose: false\n  max_body: much\n", "apply", "-f", "-")
	var list struct{ Sidecars []api.Sidecar }
	w.until("the refusal is shown", func() error {
		out := w.call(address, "", "get", "sidecars", "-o", "json")
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return err
		}
		if len(list.Sidecars) != 1 || list.Sidecars[0].Nack == nil {
			return errors.New(out)
		}
		return nil
	})
	nack, reason := list.Sidecars[0].Nack, `3:13: policy.max_body: "much" is no size`
	if nack.Version != 2 || !strings.Contains(nack.Reason, reason) || list.Sidecars[0].Version != 1 {
		w.Errorf("version %d, refusal %+v", list.Sidecars[0].Version, nack)
	}
	if table := w.call(address, "", "get", "sidecars"); !strings.Contains(table, reason) {
		w.Errorf("the table does not show the reason:\n%s", table)
	}
	w.exposes(s)
	w.logs(s, 1, "the one before serves on", "policy.max_body")
	if v, n := s.metric("weir_config_version"), s.metric("weir_config_refused_total"); v != 1 || n != 1 {
		w.Errorf("version %v in force, %v refused", v, n)
	}
	w.call(address, "policy: {expose: true, max_body: 512KiB}\n", "apply", "-f", "-", "--wait", failTime.String())
}
