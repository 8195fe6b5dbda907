package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Config of a run. Weir and Kit are needed.
type Config struct {
	Weir  string // binary
	Kit   string // folder of the kit's source
	Hive  string // binary of Hive Router; "": left out
	Quick bool   // one short instance: for a look, not for the record
	Out   io.Writer
}

// InstallHive is the cure when Hive Router is missing.
const InstallHive = "cargo install hive-router --version 0.3.10 --locked --features graphiql --bin hive_router --ignore-rust-version"

// FindHive is the binary of Hive Router: the named one, else what PATH has; "" when there is none.
func FindHive(named string) string {
	if named != "" {
		return named
	}
	path, err := exec.LookPath("hive_router")
	if err != nil {
		return ""
	}
	return path
}

// The routers of a run, by what they do about requests that are alike and under way at the same time.
const (
	alone   = "weir"         // nothing
	memo    = "weir-memo"    // nothing, and a request remembers the entities it has
	shared  = "weir-dedup"   // one fetch for all, as shipped
	inbound = "weir-inbound" // one execution for all

	hiveAlone   = "hive"
	hiveShared  = "hive-dedup"
	hiveInbound = "hive-inbound"
)

func settings() map[string]string {
	return map[string]string{
		alone:   "supergraph: { dedup: false }\n",
		memo:    "supergraph: { dedup: false, entity_memo: true }\n",
		shared:  "supergraph: { dedup: true }\n",
		inbound: "supergraph: { dedup_inbound: true }\n",
	}
}

// Run measures everything. About ten minutes with Hive Router, five without.
func Run(ctx context.Context, cfg Config) (tables []result.Table, warnings []result.Warning, err error) {
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	dir, err := os.MkdirTemp("", "weir-federation-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := build(ctx, cfg.Kit, dir)
	if err != nil {
		return nil, nil, err
	}
	records, err := measure(ctx, &cfg, binary, dir)
	if len(records) == 0 {
		return nil, nil, errors.Join(err, errors.New("federation: the kit measured nothing"))
	}
	table := judge(records)
	cold, e := coldPlans(cfg.Kit)
	table.Gates = append(table.Gates, cold...)
	if cfg.Hive == "" {
		warnings = append(warnings, result.Warning{Code: result.WarnNoNumber, Text: "Hive Router was not in the run: hive_router is not in PATH, nor named by HIVE_ROUTER_BIN; to install it: " + InstallHive})
	}
	return []result.Table{table}, append(warnings, noisy(records)...), errors.Join(err, e)
}

// build compiles the kit outside of its folder.
func build(ctx context.Context, kit, dir string) (binary string, err error) {
	if _, err := os.Stat(filepath.Join(kit, "go.mod")); err != nil {
		return "", fmt.Errorf("federation: there is no federation kit at %s; name its folder with --fedbench: %w", kit, err)
	}
	if _, err := exec.LookPath("wrk"); err != nil {
		return "", fmt.Errorf("federation: the kit needs wrk (apt-get install wrk): %w", err)
	}
	binary = filepath.Join(dir, "fedbench")
	out, err := exec.CommandContext(ctx, "go", "-C", kit, "build", "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("federation: building the kit: %w\n%s", err, out)
	}
	return binary, nil
}

// measure runs the kit; what it measured before an error is returned with it.
func measure(ctx context.Context, cfg *Config, binary, dir string) ([]record, error) {
	file := filepath.Join(dir, "records.jsonl")
	args := []string{"run", "-dir", filepath.Join(dir, "kit"), "-out", file, "-floors", "", "-slice", "2s", "-slices", "3", "-instances", "3", "-warm", "2s"}
	if cfg.Quick {
		args = append(args, "-slice", "1s", "-slices", "1", "-instances", "1", "-warm", "1s")
	}
	for name, text := range settings() {
		path := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "-router", fmt.Sprintf("%s=%s run --supergraph {supergraph} --listen {listen} --admin 127.0.0.1:0 -c %s", name, cfg.Weir, path))
	}
	if cfg.Hive != "" {
		script := filepath.Join(cfg.Kit, "hive-router.sh")
		for name, dedup := range map[string]string{hiveAlone: "off", hiveShared: "subgraph", hiveInbound: "inbound"} {
			args = append(args, "-router", fmt.Sprintf("%s=%s {supergraph} {port} %s", name, script, dedup))
		}
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "HIVE_ROUTER_BIN="+cfg.Hive)
	cmd.Stdout, cmd.Stderr = cfg.Out, cfg.Out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second // the kit's children end with it
	ran := cmd.Run()
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Join(ran, err)
	}
	records, err := parse(bytes.NewReader(raw))
	return records, errors.Join(ran, err)
}
