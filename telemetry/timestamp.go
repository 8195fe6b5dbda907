package telemetry

import "time"

const (
	secondsPerDay = 86_400
	unixDays      = 719_468 // from 0000-03-01 to 1970-01-01
	daysPer400    = 146_097
)

// timestamp is the text of a time.
type timestamp [len("2006-01-02T15:04:05.000000Z")]byte

// formatTime writes unix ns as RFC 3339 in UTC, to the µs: two of them stand in each event, and package time takes three times as long. The date is computed
// as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days), for years that begin in March.
func formatTime(ns int64) (t timestamp) {
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
	t = timestamp([]byte("0000-00-00T00:00:00.000000Z"))
	put2(t[0:], year/100)
	put2(t[2:], year%100)
	put2(t[5:], month)
	put2(t[8:], day+1)
	put2(t[11:], second/3600)
	put2(t[14:], second/60%60)
	put2(t[17:], second%60)
	micros := rest / 1000
	put2(t[20:], micros/10_000)
	put2(t[22:], micros/100%100)
	put2(t[24:], micros%100)
	return t
}

// put2 writes a number of two digits.
func put2(b []byte, n int64) { _, b[0], b[1] = b[1], byte('0'+n/10), byte('0'+n%10) }

// append2 appends a number of two digits.
func append2(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// append6 appends a number of six digits.
func append6(dst []byte, n int64) []byte {
	return append2(append2(append2(dst, n/10_000), n/100%100), n%100)
}
