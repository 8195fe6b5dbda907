package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// invalidation is what the flags name; its JSON is the body of POST /cache/invalidate.
type invalidation struct {
	Tags       []string `json:"tags,omitempty"`
	Types      []string `json:"types,omitempty"`
	Prefixes   []string `json:"prefixes,omitempty"`
	Patterns   []string `json:"patterns,omitempty"`
	Operations []string `json:"operations,omitempty"`
	Tenants    []string `json:"tenants,omitempty"`
	All        bool     `json:"all,omitempty"`
	Soft       bool     `json:"soft,omitempty"`
}

func invalidateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "invalidate --admin HOST:PORT NAMES",
		Short: "Make cached answers invalid, by tag, type, pattern, operation, tenant, or all of them",
		Long: `invalidate asks a sidecar's admin listener to forget cached answers, and with it, by the log they share, every sidecar of the fleet. Every
flag that names something may be given several times. It prints how many entries of this sidecar were reached, and the position in the log.

With --wait fleet it returns when every sidecar obeys, and names those of which that is not known at the deadline.

Exit codes: 0 obeyed by the sidecar and in the fleet's log, with --wait fleet by all; 1 refused, not reachable, not in the log yet (this sidecar
obeys all the same), or some sidecars are missing; 2 wrong use.`,
		Example: `  weir invalidate --admin 127.0.0.1:9901 --tag City:5 --tag list:City
  weir invalidate --admin 127.0.0.1:9901 --type City --soft
  weir invalidate --admin 127.0.0.1:9901 --pattern 'Product:*-eu' --wait fleet
  weir invalidate --admin unix:/run/weir/admin.sock --operation FrontPage
  weir invalidate --admin 127.0.0.1:9901 --all`,
		Args: noArgs,
	}
	var inv invalidation
	f := c.Flags()
	admin := f.String("admin", "127.0.0.1:9901", "address of the admin listener: HOST:PORT or unix:PATH")
	f.StringArrayVar(&inv.Tags, "tag", nil, "tag, for instance City:5, list:City or Query.city")
	f.StringArrayVar(&inv.Types, "type", nil, "type of the schema; of an interface or union all its types")
	f.StringArrayVar(&inv.Prefixes, "prefix", nil, "beginning of tags")
	f.StringArrayVar(&inv.Patterns, "pattern", nil, "pattern over tags in which * stands for anything; it begins with text")
	f.StringArrayVar(&inv.Operations, "operation", nil, "name of an operation, or the hash of an anonymous one")
	f.StringArrayVar(&inv.Tenants, "tenant", nil, "tenant, as its claim names it")
	f.BoolVar(&inv.All, "all", false, "everything")
	f.BoolVar(&inv.Soft, "soft", false, "keep entries as stale ones, which may be served while they are fetched again")
	wait := f.String("wait", "", "fleet: return when every live sidecar obeys")
	deadline := f.Duration("deadline", 0, "with --wait fleet: for how long at most, 10ms to 1m (default 2s)")
	asJSON := f.Bool("json", false, "print the answer as it came")
	timeout := f.Duration("timeout", 15*time.Second, "how long to wait for the answer")
	c.RunE = func(c *cobra.Command, _ []string) error {
		named := len(inv.Tags) + len(inv.Types) + len(inv.Prefixes) + len(inv.Patterns) + len(inv.Operations) + len(inv.Tenants)
		switch {
		case named == 0 && !inv.All:
			return usage{errors.New("nothing is named; give --tag, --type, --prefix, --pattern, --operation or --tenant, or --all for everything")}
		case named > 0 && inv.All:
			return usage{errors.New("--all names everything; leave the other names out")}
		case *wait != "" && *wait != "fleet":
			return usage{fmt.Errorf("--wait is %q; leave it out or write fleet", *wait)}
		case *deadline != 0 && *wait == "":
			return usage{errors.New("--deadline is how long to wait for the fleet; add --wait fleet")}
		}
		ctx, cancel := context.WithTimeout(c.Context(), *timeout+*deadline)
		defer cancel()
		status, answer, err := ask(ctx, *admin, fleetQuery(*wait, *deadline), &inv)
		if err != nil {
			return fmt.Errorf("the admin listener at %s does not answer: %w", *admin, err)
		}
		return report(c.OutOrStdout(), c.ErrOrStderr(), status, answer, *asJSON)
	}
	return c
}

// ask sends the invalidation.
func ask(ctx context.Context, admin, query string, inv *invalidation) (status int, answer []byte, err error) {
	body, err := json.Marshal(inv)
	if err != nil {
		return 0, nil, err
	}
	host, transport := admin, &http.Transport{DisableKeepAlives: true}
	if path, ok := strings.CutPrefix(admin, "unix:"); ok {
		host = "localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host+"/cache/invalidate"+query, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 16<<20))
	return res.StatusCode, answer, err
}

// receipt is what the command reads of the answer.
type receipt struct {
	Obeyed   bool   `json:"obeyed"`
	Shared   bool   `json:"shared"`
	Logged   bool   `json:"logged"`
	Position string `json:"position"`
	Time     string `json:"time"`
	Message  string `json:"message"`
	Reached  *struct {
		Entries  int64            `json:"entries"`
		Tags     map[string]int64 `json:"tags"`
		Prefixes map[string]int64 `json:"prefixes"`
		Patterns map[string]int64 `json:"patterns"`
	} `json:"reached"`
	Fleet *fleetReceipt `json:"fleet"`
}

// report prints the answer; an error says that it is no success.
func report(out, errs io.Writer, status int, answer []byte, asJSON bool) error {
	if asJSON {
		fmt.Fprintf(out, "%s\n", bytes.TrimSpace(answer))
	}
	var r receipt
	if err := json.Unmarshal(answer, &r); err != nil || !r.Obeyed {
		if !asJSON {
			fmt.Fprintf(errs, "weir: refused with %d: %s\n", status, messageOf(r.Message, answer))
		}
		return errTold
	}
	if !asJSON {
		printReceipt(out, &r)
		printFleet(out, r.Fleet)
	}
	if status/100 != 2 {
		if r.Fleet != nil && r.Message == "" {
			r.Message = r.Fleet.Message
		}
		if !asJSON {
			fmt.Fprintln(errs, "weir:", messageOf(r.Message, answer))
		}
		return errTold
	}
	return nil
}

func messageOf(message string, answer []byte) string {
	if message != "" {
		return message
	}
	return string(bytes.TrimSpace(answer))
}

func printReceipt(out io.Writer, r *receipt) {
	where := "this sidecar (no Redis is configured)"
	if r.Shared {
		where = "the fleet's log"
	}
	if r.Logged {
		fmt.Fprintf(out, "in %s at %s %s\n", where, r.Position, r.Time)
	} else {
		fmt.Fprintln(out, "obeyed by this sidecar, not in the log yet")
	}
	if r.Reached == nil {
		fmt.Fprintln(out, "entries of this sidecar: not counted")
		return
	}
	fmt.Fprintf(out, "entries of this sidecar: %d\n", r.Reached.Entries)
	for _, list := range []struct {
		kind   string
		counts map[string]int64
	}{{"tag", r.Reached.Tags}, {"prefix", r.Reached.Prefixes}, {"pattern", r.Reached.Patterns}} {
		for _, name := range slices.Sorted(maps.Keys(list.counts)) {
			fmt.Fprintf(out, "  %-8s %-40s %d\n", list.kind, name, list.counts[name])
		}
	}
}
