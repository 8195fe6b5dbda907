package telemetry

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/weirproxy/weir/telemetry/event"
)

// identity is the text of the members that are the same in every event of this process.
type identity struct {
	prefix string // of event ids: instance-boot-
	source string // JSON string
	member string // "service":… up to "environment":…, with commas
}

func newIdentity(c *Identity, boot string) identity {
	var m []byte
	for i, f := range []struct{ key, value string }{
		{"service", c.Service},
		{"region", c.Region},
		{"resource_id", c.ResourceID},
		{"business_unit", c.BusinessUnit},
		{"project_id", c.ProjectID},
		{"environment", c.Environment},
	} {
		if i > 0 {
			m = append(m, ',')
		}
		m = append(append(append(m, '"'), f.key...), `":`...)
		m = appendString(m, f.value)
	}
	return identity{
		prefix: c.Instance + "-" + boot + "-", source: string(appendString(nil, "/weir/"+c.Service+"/"+c.Instance)), member: string(m),
	}
}

// Append appends the event as Kafka gets it. It implements ring.Encoder.
func (r *Record) Append(dst []byte) []byte {
	t := r.from
	if t.cfg.Binary {
		return r.appendData(dst)
	}
	dst = append(dst, `{"specversion":"1.0","id":`...)
	dst = r.appendID(dst)
	dst = append(dst, `,"source":`...)
	dst = append(dst, t.identity.source...)
	dst = append(dst, `,"type":"`+event.CostType+`","time":"`...)
	dst = appendTime(dst, r.End)
	dst = append(dst, `","datacontenttype":"application/json","data":`...)
	dst = r.appendData(dst)
	return append(dst, '}')
}

func (r *Record) appendID(dst []byte) []byte {
	dst = appendString(dst, r.from.identity.prefix)
	dst = strconv.AppendUint(dst[:len(dst)-1], r.seq, 10)
	return append(dst, '"')
}

func (r *Record) appendData(dst []byte) []byte {
	t, q := r.from, &r.Quantities
	dst = append(dst, `{"event_id":`...)
	dst = r.appendID(dst)
	dst = append(dst, `,"timestamp":"`...)
	dst = appendTime(dst, r.End)
	dst = append(dst, `","schema_version":"`+event.SchemaVersion+`","event_type":"`+event.CostType+`",`...)
	dst = append(dst, t.identity.member...)
	dst = append(dst, `,"tenant":`...)
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
	dst = append(dst, `","currency":`...)
	dst = appendString(dst, r.book.Currency)
	dst = append(dst, `,"price_book_version":`...)
	dst = appendString(dst, r.book.Version)
	dst = append(dst, `,"quantities":{"proxy_cpu_us":`...)
	for i, n := range amounts(q) {
		if i > 0 {
			dst = append(append(append(dst, `,"`...), quantityNames[i]...), `":`...)
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, `},"cache_status":"`...)
	dst = append(dst, r.CacheStatus.String()...)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendUint(dst, uint64(r.Status), 10)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, r.Code)
	dst = append(dst, `,"errors":`...)
	dst = strconv.AppendUint(dst, uint64(r.Errors), 10)
	dst = append(dst, `,"anomaly_score":`...)
	dst = strconv.AppendFloat(dst, float64(r.Score), 'f', 4, 32)
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
