package telemetry

import "time"

const (
	secondsPerDay = 86_400
	unixDays      = 719_468 // from 0000-03-01 to 1970-01-01
	daysPer400    = 146_097
)

// appendTime appends unix ns as RFC 3339 in UTC, to the µs: two of them stand in each event, and package time takes three times as long. The date is computed
// as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days), for years that begin in March.
func appendTime(dst []byte, ns int64) []byte {
	seconds, rest := ns/int64(time.Second), ns%int64(time.Second)
	if rest < 0 {
		seconds, rest = seconds-1, rest+int64(time.Second)
	}
	days, second := seconds/secondsPerDay, seconds%secondsPerDay
	if second < 0 {
		days, second = days-1, second+secondsPerDay
	}
	days += unixDays // above 0 for every int64 of nanoseconds
	era, day := days/daysPer400, days%daysPer400
	year := (day - day/1460 + day/36_524 - day/146_096) / 365
	day -= 365*year + year/4 - year/100
	shifted := (5*day + 2) / 153 // month, March is 0
	day -= (153*shifted + 2) / 5
	month := shifted + 3
	year += 400 * era
	if month > 12 {
		month, year = month-12, year+1
	}
	dst = append2(append2(dst, year/100), year%100)
	dst = append2(append(dst, '-'), month)
	dst = append2(append(dst, '-'), day+1)
	dst = append2(append(dst, 'T'), second/3600)
	dst = append2(append(dst, ':'), second/60%60)
	dst = append2(append(dst, ':'), second%60)
	micros := rest / 1000
	dst = append2(append2(append2(append(dst, '.'), micros/10_000), micros/100%100), micros%100)
	return append(dst, 'Z')
}

// append2 appends a number of two digits.
func append2(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
