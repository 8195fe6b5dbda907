package keytrace

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/instant"
	"github.com/weirproxy/weir/cache"
)

// keys reads traces of keys.
type keys struct{ *builder }

// maxMicros is an hour.
const maxMicros = 3_600_000_000

func (k keys) object(line []byte) {
	var l struct {
		Time    json.RawMessage `json:"time"`
		Key     json.RawMessage `json:"key"`
		Bytes   int64           `json:"bytes"`
		TTL     string          `json:"ttl"`
		FetchUS int64           `json:"fetch_us"`
		USD     json.Number     `json:"usd"`
	}
	if json.Unmarshal(line, &l) != nil {
		k.skip("a line that is no use of a key")
		return
	}
	at, ok := instant.Parse(l.Time)
	ttl, err := time.Duration(0), error(nil)
	if l.TTL != "" {
		ttl, err = time.ParseDuration(l.TTL)
	}
	worth, priced := pico(l.USD.String())
	switch {
	case !ok:
		k.skip("no time")
	case len(l.Key) == 0:
		k.skip("no key")
	case err != nil || ttl < 0:
		k.skip("a ttl that is no duration")
	case l.USD != "" && !priced:
		k.skip("usd that is no amount")
	case l.Bytes < 0 || l.Bytes > math.MaxInt32:
		k.skip("bytes that are no size")
	default:
		k.trace.Uses = append(k.trace.Uses, cache.Use{
			At: at.UnixNano(), Key: k.number(string(l.Key)), Bytes: l.Bytes, TTL: ttl, FetchMicros: micros(l.FetchUS), Worth: worth,
		})
	}
}

func (k keys) words(line []byte) {
	w := bytes.Fields(line)
	if len(w) < 3 || len(w) > 4 {
		k.skip("a line that is not SECONDS KEY BYTES [FETCH_US]")
		return
	}
	seconds, err := strconv.ParseFloat(string(w[0]), 64)
	if err != nil || !(math.Abs(seconds) < 1<<33) {
		k.skip("a time that is no number of seconds")
		return
	}
	size, err := strconv.ParseInt(string(w[2]), 10, 32)
	if err != nil || size < 0 {
		k.skip("bytes that are no size")
		return
	}
	fetch := int64(0)
	if len(w) == 4 {
		if fetch, err = strconv.ParseInt(string(w[3]), 10, 64); err != nil {
			k.skip("a fetch time that is no number")
			return
		}
	}
	k.trace.Uses = append(k.trace.Uses, cache.Use{
		At: int64(math.Round(seconds * float64(time.Second))), Key: k.number(string(w[1])), Bytes: size, FetchMicros: micros(fetch),
	})
}

func micros(n int64) uint32 { return uint32(min(max(n, 0), maxMicros)) }

// pico reads a decimal number of dollars as pico-USD; more digits are cut off.
func pico(text string) (amount int64, ok bool) {
	whole, part, _ := strings.Cut(text, ".")
	if len(whole) > 6 || text == "" {
		return 0, false
	}
	for _, c := range []byte(whole + part) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	part += "000000000000"
	amount, err := strconv.ParseInt(whole+part[:12], 10, 64)
	return amount, err == nil
}
