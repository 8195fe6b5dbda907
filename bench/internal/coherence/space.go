package coherence

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const ipProgram = "ip"

// space is a network namespace with two ways out of it: one for requests and the origin, one for Redis, which can be cut without anybody being told.
type space struct {
	name, dataLink, redisLink       string
	dataHost, dataInside, redisHost string
}

// newSpace makes the namespace; the names hold the process id, so that two runs do not meet.
func newSpace() (_ *space, err error) {
	id := os.Getpid() % 100_000
	net := fmt.Sprintf("10.%d.%d", 200+id%50, id/50%250)
	s := &space{
		name: fmt.Sprintf("weir-%d", id), dataLink: fmt.Sprintf("wd%d", id), redisLink: fmt.Sprintf("wr%d", id), dataHost: net + ".1", dataInside: net + ".2", redisHost: net + ".5",
	}
	defer func() {
		if err != nil {
			_ = s.remove() // what was made so far; the first error is the one that tells
		}
	}()
	commands := []string{
		"netns add " + s.name,
		"-n " + s.name + " link set lo up",
	}
	for _, l := range []struct{ link, host, inside string }{{s.dataLink, s.dataHost, s.dataInside}, {s.redisLink, s.redisHost, net + ".6"}} {
		commands = append(
			commands,
			"link add "+l.link+" type veth peer name "+l.link+"p netns "+s.name,
			"addr add "+l.host+"/30 dev "+l.link,
			"link set "+l.link+" up",
			"-n "+s.name+" addr add "+l.inside+"/30 dev "+l.link+"p",
			"-n "+s.name+" link set "+l.link+"p up",
		)
	}
	for _, c := range commands {
		if err := ip(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// trySpace reports why there can be no namespace here.
func trySpace() error {
	s, err := newSpace()
	if err != nil {
		return noSpace(err)
	}
	return s.remove()
}

func noSpace(err error) error {
	return fmt.Errorf("a network namespace is asked for and cannot be made: %w; run this as root where iproute2 is installed (in a container: with CAP_NET_ADMIN and CAP_SYS_ADMIN), "+
		"or let the partition be made by a relay", err)
}

func ip(command string) error {
	out, err := exec.Command(ipProgram, strings.Fields(command)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", command, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// partition takes the way to Redis away: packets are lost, nobody closes a connection. mend gives it back.
func (s *space) partition() error { return ip("link set " + s.redisLink + " down") }

func (s *space) mend() error { return ip("link set " + s.redisLink + " up") }

// remove deletes the namespace, and with it both links.
func (s *space) remove() error { return ip("netns del " + s.name) }
