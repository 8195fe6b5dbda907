package main

import (
	"fmt"
	"io"
	"net/url"
	"time"
)

// fleetReceipt is what the command reads of an answer about the fleet.
type fleetReceipt struct {
	Members int     `json:"members"`
	Obey    int     `json:"obey"`
	Expired int     `json:"expired"`
	Waited  float64 `json:"waited_ms"`
	Message string  `json:"message"`
	Missing []struct {
		Instance string `json:"instance"`
		Position string `json:"position"`
		Silent   int64  `json:"last_seen_ms_ago"`
		SafeIn   int64  `json:"safe_in_ms"`
	} `json:"missing"`
}

// fleetQuery is the query string that makes the sidecar wait.
func fleetQuery(wait string, deadline time.Duration) string {
	if wait == "" {
		return ""
	}
	q := "?wait=" + url.QueryEscape(wait)
	if deadline > 0 {
		q += "&deadline=" + deadline.String()
	}
	return q
}

func printFleet(out io.Writer, f *fleetReceipt) {
	if f == nil {
		return
	}
	fmt.Fprintf(out, "sidecars that obey: %d of %d, after %.0f ms\n", f.Obey+f.Expired, f.Members, f.Waited)
	for _, m := range f.Missing {
		at := m.Position
		if at == "" {
			at = "entering the log"
		}
		fmt.Fprintf(out, "  missing  %-40s at %s, last seen %d ms ago, trusts nothing it has in %d ms\n", m.Instance, at, m.Silent, m.SafeIn)
	}
}
