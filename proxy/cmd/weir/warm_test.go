package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// redis runs a server until the test ends.
func redis(t *testing.T) string {
	t.Helper()
	address := free(t)
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for tries := 0; ; tries++ {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		} else if tries > 1000 {
			t.Fatal(err)
		}
		<-poll.C
	}
}

// cities is an origin that counts what it is asked for.
type cities struct {
	mu    sync.Mutex
	asked map[string]int
}

func (c *cities) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct{ Variables struct{ ID string } }
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.asked[q.Variables.ID]++
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"data":{"city":{"__typename":"City","id":%q,"name":"x"}}}`, q.Variables.ID)
}

func (c *cities) forget() (asked map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked, c.asked = c.asked, map[string]int{}
	return asked
}

// city asks for one, and reports whether an entry answered.
func (s *sidecar) city(t *testing.T, id int) bool {
	t.Helper()
	body := fmt.Sprintf(`{"query":"query City($id: ID!) { city(id: $id) { __typename id name } }","variables":{"id":"%d"}}`, id)
	res, err := http.Post(s.url+"/graphql", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); !strings.Contains(string(text), fmt.Sprintf(`"id":"%d"`, id)) {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	return strings.Contains(res.Header.Get("Cache-Status"), "; hit")
}

func (s *sidecar) stats(t *testing.T) (st struct{ HitsL1, HitsL2, Warmed, Restored, Discarded, ColdStarts, L2Writes uint64 }) {
	t.Helper()
	res, err := http.Get(s.admin + "/cache/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&st); err != nil {
		t.Fatal(err)
	}
	return st
}

func (s *sidecar) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
}

const asManyCities = 20

// filled starts a sidecar and makes it hold all cities, in both tiers.
func filled(t *testing.T, url string, args ...string) *sidecar {
	t.Helper()
	s := start(t, url, args...)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for tries := 0; s.stats(t).L2Writes < asManyCities; tries++ {
		for id := range asManyCities {
			s.city(t, id)
		}
		if tries > 1000 {
			t.Fatalf("the cities are not in Redis:\n%s", s.log)
		}
		<-poll.C
	}
	for range 100 { // to be seen as popular
		for id := range asManyCities {
			if !s.city(t, id) {
				t.Fatalf("city %d is no hit", id)
			}
		}
	}
	return s
}

// TestRestartServesFromTheSavedCache: all entries answer at once, but for the one that another sidecar has invalidated meanwhile.
func TestRestartServesFromTheSavedCache(t *testing.T) {
	o := &cities{asked: map[string]int{}}
	url, dir := origin(t, o.ServeHTTP), folder(t, map[string]string{})
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	server := redis(t)
	args := []string{"--redis", server, "--schema", filepath.Join(dir, "schema.graphql")}
	saving := append([]string{"--state", state, "--cache-save", "on", "--cache-warm-up", "20s"}, args...)
	filled(t, url, saving...).stop(t)
	if info, err := os.Stat(filepath.Join(state, "cache.saved")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	other := start(t, url, args...)
	for tries := 0; ; tries++ {
		res, err := http.Post(other.admin+"/cache/invalidate", "application/json", strings.NewReader(`{"tags":["City:3"]}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode/100 == 2 {
			break
		} else if tries > 100 {
			t.Fatal(res.Status)
		}
	}
	o.forget()

	s := start(t, url, saving...)
	if st := s.stats(t); st.Restored != asManyCities-1 || st.Discarded != 1 || st.ColdStarts != 0 {
		t.Errorf("%+v\n%s", st, s.log)
	}
	hits := 0
	for id := range asManyCities {
		if s.city(t, id) {
			hits++
		}
	}
	if asked := o.forget(); hits != asManyCities-1 || asked["3"] != 1 || len(asked) != 1 {
		t.Errorf("%d of %d are hits at once, and the origin was asked for %v", hits, asManyCities, asked)
	}
	if st := s.stats(t); st.HitsL1 != asManyCities-1 || st.HitsL2 != 0 {
		t.Errorf("%+v: some came from Redis", st)
	}
	if _, err := os.Stat(filepath.Join(state, "cache.saved")); !os.IsNotExist(err) {
		t.Error("the file is still there")
	}
}

// TestNewPodIsWarmBeforeItIsReady has no file: it takes from Redis what the fleet asks for most.
func TestNewPodIsWarmBeforeItIsReady(t *testing.T) {
	o := &cities{asked: map[string]int{}}
	url, dir := origin(t, o.ServeHTTP), folder(t, map[string]string{})
	args := []string{"--redis", redis(t), "--schema", filepath.Join(dir, "schema.graphql"), "--cache-warm-up", "20s"}
	filled(t, url, args...).stop(t)
	o.forget()
	s := start(t, url, args...)
	st := s.stats(t)
	if st.Warmed < asManyCities/2 {
		t.Errorf("%d entries were there when it was ready\n%s", st.Warmed, s.log)
	}
	for id := range asManyCities {
		s.city(t, id)
	}
	if after := s.stats(t); after.HitsL1 < st.Warmed || len(o.forget()) > 0 {
		t.Errorf("%+v", after)
	}
}

// TestWarmUpWithoutRedisDelaysNoLongerThanItsLimit: /readyz waits, requests do not.
func TestWarmUpWithoutRedisDelaysNoLongerThanItsLimit(t *testing.T) {
	url := origin(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	began := time.Now()
	start(t, url, "--redis", free(t), "--cache-warm-up", "500ms")
	if took := time.Since(began); took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("ready after %v", took)
	}
}
