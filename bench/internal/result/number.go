package result

import (
	"encoding/json"
	"math"
	"slices"
)

// number is a float64 for which JSON's null means "not measured", NaN in memory.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if x := float64(n); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(raw, (*float64)(n))
}

// MarshalJSON writes cells that are no number as null: not measured.
func (t Table) MarshalJSON() ([]byte, error) {
	type plain Table
	rows := make([][]number, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = make([]number, len(row))
		for j, x := range row {
			rows[i][j] = number(x)
		}
	}
	return json.Marshal(struct {
		plain
		Rows [][]number `json:"rows"`
	}{plain(t), rows})
}

// UnmarshalJSON is the inverse of MarshalJSON: null becomes NaN.
func (t *Table) UnmarshalJSON(raw []byte) error {
	type plain Table
	var v struct {
		plain
		Rows [][]number `json:"rows"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	*t = Table(v.plain)
	t.Rows = nil
	for _, row := range v.Rows {
		cells := make([]float64, len(row))
		for j, x := range row {
			cells[j] = float64(x)
		}
		t.Rows = append(t.Rows, cells)
	}
	return nil
}

type interval struct {
	Median number `json:"median"`
	Low    number `json:"low"`
	High   number `json:"high"`
	Min    number `json:"min"`
	Max    number `json:"max"`
	N      int    `json:"n"`
}

// MarshalJSON writes figures of an interval of no values as null.
func (v Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(interval{number(v.Median), number(v.Low), number(v.High), number(v.Min), number(v.Max), v.N})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (v *Interval) UnmarshalJSON(raw []byte) error {
	var i interval
	if err := json.Unmarshal(raw, &i); err != nil {
		return err
	}
	*v = Interval{float64(i.Median), float64(i.Low), float64(i.High), float64(i.Min), float64(i.Max), i.N}
	return nil
}

// measured are the values that are numbers, in ascending order.
func measured(values []float64) []float64 {
	kept := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			kept = append(kept, v)
		}
	}
	slices.Sort(kept)
	return kept
}
