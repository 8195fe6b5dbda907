package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/reference"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/bench/targets"
)

// stage is one set of fresh processes.
type stage struct {
	r         *run
	dir       string
	place     peer.Place
	upstreams map[int]string // address by size of the answer
	servers   map[string]*server
	spinner   *fleet.Spinner // started when it is needed
	awake     bool           // it works
	stops     []func() error
}

// server is one that is measured.
type server struct {
	*peer.Server
	role     peer.Role
	upstream string
	want     []byte // its answer, byte by byte
}

// newStage makes the folder and its files.
func newStage(r *run) (*stage, error) {
	dir, err := os.MkdirTemp("", "weir-compare-")
	if err != nil {
		return nil, err
	}
	s := &stage{r: r, dir: dir, upstreams: map[int]string{}, servers: map[string]*server{}}
	s.stops = append(s.stops, func() error { return os.RemoveAll(dir) })
	s.place = peer.Place{Dir: dir, Schema: filepath.Join(dir, "city.graphql"), NPM: r.cfg.NPM, CPU: serverCPU}
	schema, err := targets.Files.ReadFile("city.graphql")
	if err == nil {
		err = os.WriteFile(s.place.Schema, schema, 0o644)
	}
	// Servers of other users read it: their workers may not run as the user of this process.
	if err = errors.Join(err, os.Chmod(dir, 0o755)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close stops everything, the last first.
func (s *stage) close() (err error) {
	for _, stop := range slices.Backward(s.stops) {
		err = errors.Join(err, stop())
	}
	s.stops = nil
	return err
}

// start starts the named servers and what they need, checks and warms them. A server of somebody else that does not work is left out of the comparison.
func (s *stage) start(ctx context.Context, names []string) error {
	for _, name := range names {
		t := s.r.targets[name]
		if t == nil {
			continue // left out
		}
		err := s.startOne(ctx, t)
		if err != nil && t.Peer && ctx.Err() == nil {
			s.r.lack(result.Missing{Name: name, Install: t.Install, Why: "it is installed and does not work here: " + ends(err.Error())})
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ends are the first and the last line of a message: what failed, and the last that the server said.
func ends(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) == 1 {
		return lines[0]
	}
	return lines[0] + "; " + strings.TrimSpace(lines[len(lines)-1])
}

func (s *stage) startOne(ctx context.Context, t *peer.Target) error {
	upstream, err := s.upstream(ctx, t.Size)
	if err != nil {
		return err
	}
	if err := s.startKafka(ctx, t); err != nil {
		return err
	}
	if t.Redis && s.place.Redis == "" {
		if err := s.startRedis(ctx); err != nil {
			return err
		}
	}
	if t.NPM != "" {
		if err := peer.WriteNPM(s.place.NPM, targets.Files); err != nil {
			return err
		}
	}
	found := *s.r.found[t.Name]
	if t.Binary == "weir" || t.Binary == "weir-bench" {
		// Pages of a program are shared by its processes, and PSS counts each by its share: with a file of its own a server's memory is what it is alone.
		if found.Path, err = s.ownCopy(t.Name, found.Path); err != nil {
			return err
		}
	}
	place := s.place
	place.Upstream = upstream
	p, err := peer.Start(ctx, t, &found, place)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, p.Stop)
	one := &server{Server: p, role: t.Role, upstream: upstream}
	if err := s.prepare(ctx, one); err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	s.servers[t.Name] = one
	return nil
}

func (s *stage) ownCopy(name, path string) (copied string, err error) {
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	copied = filepath.Join(s.dir, name+"-"+filepath.Base(path))
	to, err := os.OpenFile(copied, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return copied, errors.Join(err, to.Close())
}

// upstream starts the server behind, one for each size of answer.
func (s *stage) upstream(ctx context.Context, size int) (string, error) {
	if address, ok := s.upstreams[size]; ok {
		return address, nil
	}
	address, err := s.helper(ctx, fmt.Sprintf("upstream-%d", size), func(address string) []string {
		return []string{"serve-target", "--kind", string(reference.Upstream), "--listen", address, "--size", strconv.Itoa(size)}
	})
	s.upstreams[size] = address
	return address, err
}

// startKafka starts the broker that a server needs, if it is not there, as a process of its own: what it keeps is no burden for the load generator.
func (s *stage) startKafka(ctx context.Context, t *peer.Target) (err error) {
	switch {
	case t.IdleBroker && s.place.IdleBroker == "":
		s.place.IdleBroker, err = s.helper(ctx, "broker-idle", func(address string) []string { return []string{"broker", "--listen", address, "--idle"} })
	case t.Kafka && !t.IdleBroker && s.place.Kafka == "":
		s.place.Kafka, err = s.helper(ctx, "broker", func(address string) []string { return []string{"broker", "--listen", address} })
	}
	return err
}

// helper starts this program as a server beside the load.
func (s *stage) helper(ctx context.Context, name string, args func(address string) []string) (string, error) {
	p, address, err := fleet.StartBench(ctx, s.r.cfg.Binaries.Bench, name, s.dir, otherCPU, args)
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, p.Stop)
	return address, nil
}

// startRedis bounds its memory: keys that are never seen again fill it.
func (s *stage) startRedis(ctx context.Context) error {
	p, address, err := fleet.StartPinnedRedis(ctx, s.dir, otherCPU, "--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru")
	if err != nil {
		return err
	}
	s.stops = append(s.stops, p.Stop)
	s.place.Redis = address
	return nil
}

// reached is how many requests the upstream behind a server answered.
func (s *stage) reached(ctx context.Context, one *server) (int64, error) {
	raw, err := scrape.Body(ctx, "http://"+one.upstream+reference.CounterPath)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(raw), 10, 64)
}
