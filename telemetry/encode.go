package telemetry

import (
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/weirproxy/weir/telemetry/event"
)

// identity is the text that is the same in every event of this process, in the pieces between what is not.
type identity struct {
	prefix   string // of event ids: instance-boot-
	envelope string // from the begin of an event in structured mode to the number in its id
	typed    string // from there to the time
	content  string // from there to the data
	data     string // from the begin of the data to the number in the event's id
	stamp    string // from there to the time
	members  string // from there to the tenant
}

func newIdentity(c *Config, boot string) identity {
	i := &c.Identity
	t := identity{prefix: i.Instance + "-" + boot + "-"}
	quoted := string(appendString(nil, t.prefix))
	quoted = quoted[:len(quoted)-1] // the number follows
	t.data = `{"event_id":` + quoted
	t.stamp = `","timestamp":"`
	m := []byte(`","schema_version":"` + event.SchemaVersion + `","event_type":"` + event.CostType + `",`)
	for _, f := range []struct{ key, value string }{
		{"service", i.Service},
		{"region", i.Region},
		{"resource_id", i.ResourceID},
		{"business_unit", i.BusinessUnit},
		{"project_id", i.ProjectID},
		{"environment", i.Environment},
	} {
		m = append(append(append(m, '"'), f.key...), `":`...)
		m = append(appendString(m, f.value), ',')
	}
	t.members = string(m) + `"tenant":`
	if c.Binary { // the attributes are headers
		return t
	}
	t.envelope = `{"specversion":"1.0","id":` + quoted
	t.typed = `","source":` + string(appendString(nil, "/weir/"+i.Service+"/"+i.Instance)) + `,"type":"` + event.CostType + `","time":"`
	t.content = `","datacontenttype":"application/json","data":`
	return t
}

// Append appends the event as Kafka gets it.
func (r *Record) Append(dst []byte) []byte {
	t := &r.from.identity
	var number [20]byte
	seq := strconv.AppendUint(number[:0], r.seq, 10)
	end := formatTime(r.End)
	if r.from.cfg.Binary {
		return r.appendData(dst, seq, &end)
	}
	dst = append(append(append(dst, t.envelope...), seq...), t.typed...)
	dst = append(append(dst, end[:]...), t.content...)
	return append(r.appendData(dst, seq, &end), '}')
}

func (r *Record) appendData(dst, seq []byte, end *timestamp) []byte {
	t := &r.from.identity
	dst = append(append(append(dst, t.data...), seq...), t.stamp...)
	dst = append(append(dst, end[:]...), t.members...)
	dst = appendString(dst, r.Tenant)
	dst = append(dst, `,"client":`...)
	dst = appendString(dst, r.Client)
	dst = append(dst, `,"operation":`...)
	dst = appendString(dst, r.Operation)
	dst = append(dst, `,"operation_hash":"`...)
	dst = appendHex(dst, &r.OperationHash)
	dst = append(dst, `","operation_kind":"`...)
	dst = append(dst, kindNames[min(int(r.Kind), len(kindNames)-1)]...)
	dst = append(dst, `","cost_amount":"`...)
	dst = AppendAmount(dst, r.Cost)
	dst = append(dst, `","saved_amount":"`...)
	dst = AppendAmount(dst, r.Saved)
	dst = append(dst, r.book.members...)
	for i, n := range amounts(&r.Quantities) {
		dst = append(dst, quantityMembers[i]...)
		dst = strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, '}')
	dst = appendSubgraphs(dst, r.Subgraphs)
	dst = append(dst, `,"cache_status":"`...)
	dst = append(dst, r.CacheStatus.String()...)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendUint(dst, uint64(r.Status), 10)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, r.Code)
	dst = append(dst, `,"errors":`...)
	dst = strconv.AppendUint(dst, uint64(r.Errors), 10)
	dst = append(dst, `,"anomaly_score":`...)
	dst = appendScore(dst, r.Score)
	dst = append(dst, `,"latency_us":`...)
	dst = strconv.AppendInt(dst, max(0, r.End-r.Start)/int64(time.Microsecond), 10)
	dst = append(dst, `,"trace_id":"`...)
	dst = appendHex(dst, &r.TraceID)
	dst = append(dst, `","metadata":{`...)
	if r.CacheKey != 0 {
		dst = append(dst, `"cache_key":"`...)
		for shift := 60; shift >= 0; shift -= 4 {
			dst = append(dst, hexDigits[r.CacheKey>>shift&15])
		}
		dst = append(dst, '"')
	}
	return append(dst, `}}`...)
}

// quantityMembers are the names of the quantities as they stand in an event, up to the number.
var quantityMembers = func() (m [quantities]string) {
	for i, name := range quantityNames {
		m[i] = `,"` + name + `":`
	}
	m[0] = m[0][1:]
	return m
}()

// bookMembers is the text of an event between its amounts and its quantities.
func bookMembers(b *PriceBook) string {
	m := append([]byte(`","currency":`), appendString(nil, b.Currency)...)
	m = append(m, `,"price_book_version":`...)
	return string(appendString(m, b.Version)) + `,"quantities":{`
}

// appendScore appends a score with four places. Ten thousand times a float32 is exact in a float64, and so is what is left over.
func appendScore(dst []byte, v float32) []byte {
	n := math.RoundToEven(float64(v) * 10_000)
	if !(n >= 0 && n <= 10_000) || math.Signbit(n) {
		return strconv.AppendFloat(dst, float64(v), 'f', 4, 32)
	}
	i := int64(n)
	dst = append(dst, byte('0'+i/10_000), '.')
	return append2(append2(dst, i/100%100), i%100)
}

// appendSubgraphs appends the member of that name, with a comma before it, where there are any.
func appendSubgraphs(dst []byte, list []event.Subgraph) []byte {
	if len(list) == 0 {
		return dst
	}
	for i := range list {
		g := &list[i]
		dst = append(dst, [...]string{`,"subgraphs":[{"name":`, `,{"name":`}[min(i, 1)]...)
		dst = appendString(dst, g.Name)
		dst = strconv.AppendInt(append(dst, `,"fetches":`...), g.Fetches, 10)
		dst = strconv.AppendInt(append(dst, `,"shared":`...), g.Shared, 10)
		dst = strconv.AppendInt(append(dst, `,"errors":`...), g.Errors, 10)
		dst = strconv.AppendInt(append(dst, `,"cached":`...), g.Cached, 10)
		dst = strconv.AppendInt(append(dst, `,"bytes_sent":`...), g.BytesSent, 10)
		dst = strconv.AppendInt(append(dst, `,"bytes_received":`...), g.BytesReceived, 10)
		dst = strconv.AppendInt(append(dst, `,"us":`...), g.US, 10)
		dst = strconv.AppendInt(append(dst, `,"points":`...), g.Points, 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendHex appends sixteen bytes in hex, nothing when all are zero.
func appendHex(dst []byte, b *[16]byte) []byte {
	if *b == ([16]byte{}) {
		return dst
	}
	return hex.AppendEncode(dst, b[:])
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			start = i + 1
		}
		i++
	}
	return append(append(dst, s[start:]...), '"')
}
