package growth

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

const (
	readyGate   = 50.0 // ms
	binaryGate  = 25.0 // MB
	idleGate    = 0.1  // % of a core
	startPoll   = 200 * time.Microsecond
	startLimit  = 5 * time.Second
	idleClients = 64
	settleTime  = 3 * time.Second // from ready until it is idle: first connections, the schema
)

// footprintTable has one row for each thing; the first column is only a number of the row.
func footprintTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "footprint", Title: "Footprint before any load",
		Text: "Start is from exec to the first 200 of /readyz and to the first answer that came through from the upstream; alone is Weir with only an upstream and a schema file, " +
			"connected has Redis, Kafka and the control plane too; with clients it also holds connections of theirs, over which a request has gone before. Idle is the processor time of the whole process over the span, in percent of one core; " +
			"the median of three sidecars side by side.",
		Columns: []result.Column{{Name: "value"}},
	}
	b, err := newBench(cfg)
	if err != nil {
		return t, err
	}
	defer b.stop(&err)
	row := func(label string, v float64) {
		t.Labels, t.Rows = append(t.Labels, label), append(t.Rows, []float64{v})
	}
	for _, path := range []string{cfg.Binaries.Weir, cfg.Binaries.Control, cfg.Binaries.Bench} {
		info, err := os.Stat(path)
		if err != nil {
			return t, err
		}
		name, mb := filepath.Base(path), float64(info.Size())/1e6
		row("binary "+name+", MB", mb)
		if path == cfg.Binaries.Weir {
			t.Gates = append(t.Gates, atMost("footprint", "binary of weir", "MB", single(mb), binaryGate, binaryGate, "static, stripped"))
		}
	}
	alone, connected, err := b.settings(ctx)
	if err != nil {
		return t, err
	}
	for _, s := range []setting{alone, connected} {
		if err := b.startTimes(ctx, s, &t, row); err != nil {
			return t, err
		}
	}
	held := connected
	held.name, held.clients = fmt.Sprintf("with %d clients", idleClients), idleClients
	for _, s := range []setting{alone, connected, held} {
		if err := b.idle(ctx, s, &t, row); err != nil {
			return t, err
		}
	}
	return t, nil
}

// setting is a way to run weir.
type setting struct {
	name string
	args []string
	// clients hold a connection each while weir is idle.
	clients int
}

// settings starts what the settings need.
func (b *bench) settings(ctx context.Context) (alone, connected setting, err error) {
	up, err := b.origin()
	if err != nil {
		return alone, connected, err
	}
	schema, err := b.write("schema.graphql", schemaSDL)
	if err != nil {
		return alone, connected, err
	}
	base := []string{"run", "--upstream", up.URL(), "--schema", schema}
	alone = setting{name: "alone", args: base}
	redis, address, err := fleet.StartRedis(ctx, b.dir)
	if err != nil {
		return alone, connected, err
	}
	b.onStop(redis.Stop)
	kafka, err := broker.Start()
	if err != nil {
		return alone, connected, err
	}
	b.onStop(func() error { kafka.Close(); return nil })
	const token = "footprint"
	control, err := fleet.StartControl(ctx, b.cfg.Binaries.Control, b.dir, token)
	if err != nil {
		return alone, connected, err
	}
	b.onStop(control.Stop)
	connected = setting{name: "connected", args: append(base[:len(base):len(base)], "--redis", address, "--kafka", strings.Join(kafka.Addresses(), ","),
		"--control", control.URL(), "--token", token)}
	return alone, connected, nil
}

// startTimes starts weir many times.
func (b *bench) startTimes(ctx context.Context, s setting, t *result.Table, row func(string, float64)) error {
	starts := 21
	if b.cfg.Quick {
		starts = 7
	}
	var ready, answered []float64
	for i := range starts {
		r, a, err := b.startOnce(ctx, s, i)
		if err != nil {
			return err
		}
		ready, answered = append(ready, ms(r)), append(answered, ms(a))
	}
	iv := result.Bootstrap(ready)
	b.say("%s: %.1f ms from start to ready, %.1f to the first answer", s.name, iv.Median, result.Bootstrap(answered).Median)
	row("start to ready, "+s.name+", ms", iv.Median)
	row("start to first answer, "+s.name+", ms", result.Bootstrap(answered).Median)
	t.Gates = append(t.Gates, atMost("footprint", "start to ready, "+s.name, "ms", iv, readyGate, readyGate, fmt.Sprintf("median of %d starts", starts)))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// startOnce measures one start, by a plain socket that is tried in short steps.
func (b *bench) startOnce(ctx context.Context, s setting, n int) (ready, answered time.Duration, err error) {
	listen, err := fleet.FreeAddress()
	if err != nil {
		return 0, 0, err
	}
	admin, err := fleet.FreeAddress()
	if err != nil {
		return 0, 0, err
	}
	state := filepath.Join(b.dir, fmt.Sprintf("%s-%d", s.name, n))
	if err := os.Mkdir(state, 0o755); err != nil {
		return 0, 0, err
	}
	log, err := os.Create(filepath.Join(state, "log"))
	if err != nil {
		return 0, 0, err
	}
	defer log.Close()
	cmd := exec.Command(b.cfg.Binaries.Weir, append(s.args[:len(s.args):len(s.args)], "--listen", listen, "--admin", admin, "--state", state)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		if e := cmd.Process.Signal(syscall.SIGTERM); e != nil && err == nil {
			err = e
		}
		if e := cmd.Wait(); e != nil && err == nil {
			err = fmt.Errorf("weir ended with %w; its log: %s", e, tail(log.Name()))
		}
	}()
	if err := ask(limited, admin, "GET /readyz HTTP/1.1\r\nHost: "+admin+"\r\nConnection: close\r\n\r\n"); err != nil {
		return 0, 0, fmt.Errorf("weir was not ready within %s: %w; its log: %s", startLimit, err, tail(log.Name()))
	}
	ready = time.Since(began)
	body := string(itemBody(nil, "Item", 1, 100))
	request := fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if err := ask(limited, listen, request); err != nil {
		return 0, 0, fmt.Errorf("weir did not answer within %s: %w; its log: %s", startLimit, err, tail(log.Name()))
	}
	return ready, time.Since(began), nil
}

func tail(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-600):])
}

// ask sends the request on new connections until one is answered with 200.
func ask(ctx context.Context, address, request string) error {
	tick := time.NewTicker(startPoll)
	defer tick.Stop()
	for {
		err := askOnce(address, request)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func askOnce(address, request string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(startLimit)); err != nil {
		return err
	}
	if _, err := c.Write([]byte(request)); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		return fmt.Errorf("answered %q", strings.TrimSpace(line))
	}
	return nil
}

// idle measures weirs that nobody asks anything, three side by side: a machine that was stopped for a moment charges that to whom it stopped.
func (b *bench) idle(ctx context.Context, s setting, t *result.Table, row func(string, float64)) error {
	span := 25 * time.Second
	if b.cfg.Quick {
		span = 5 * time.Second
	}
	var weirs [3]*fleet.Sidecar
	for i := range weirs {
		p, err := b.weirArgs(ctx, fmt.Sprintf("idle-%s-%d", strings.ReplaceAll(s.name, " ", "-"), i+1), s.args[1:])
		if err != nil {
			return err
		}
		weirs[i] = p
		open, err := connect(ctx, p, s.clients)
		defer closeAll(open)
		if err != nil {
			return err
		}
	}
	if err := lapse.Wait(ctx, settleTime); err != nil {
		return err
	}
	var before [len(weirs)]time.Duration
	began := time.Now()
	for i, p := range weirs {
		var err error
		if before[i], err = vitals.CPU(p.PID()); err != nil {
			return err
		}
	}
	if err := lapse.Wait(ctx, span); err != nil {
		return err
	}
	var shares []float64
	for i, p := range weirs {
		after, err := vitals.CPU(p.PID())
		if err != nil {
			return err
		}
		shares = append(shares, 100*float64(after-before[i])/float64(time.Since(began)))
	}
	for _, p := range weirs[1:] { // pages of code that several processes share would make each of them look small
		if err := p.Stop(); err != nil {
			return err
		}
	}
	p := weirs[0]
	memory, err := vitals.ReadMemory(p.PID())
	if err != nil {
		return err
	}
	files, err := vitals.Files(p.PID())
	if err != nil {
		return err
	}
	m, err := p.Metrics(ctx)
	if err != nil {
		return err
	}
	goroutines, _ := m.Sum("go_goroutines")
	share := result.Bootstrap(shares)
	b.say("%s: idle %.3f %% of a core (%.3f to %.3f), %.1f MiB, %.0f goroutines, %d files", s.name, share.Median, share.Min, share.Max, mib(memory.PSS), goroutines, files)
	row("idle processor time, "+s.name+", % of a core", share.Median)
	row("memory (PSS) when idle, "+s.name+", MiB", mib(memory.PSS))
	row("goroutines when idle, "+s.name, goroutines)
	row("open files when idle, "+s.name, float64(files))
	t.Gates = append(t.Gates, atMost("footprint", "idle processor time, "+s.name, "% of a core", share, idleGate, idleGate, fmt.Sprintf("median of %d over %s", len(weirs), span)))
	return p.Stop()
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
