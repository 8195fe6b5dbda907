package taglist

import "testing"

func TestList(t *testing.T) {
	var l List
	city := []byte("City:5")
	fill := func() {
		l.Reset()
		l.AppendString("City")
		l.Append(nil)
		l.Append(city)
	}
	fill()
	if l.Len() != 3 || string(l.At(0)) != "City" || len(l.At(1)) != 0 || string(l.At(2)) != "City:5" {
		t.Errorf("%q %q %q", l.At(0), l.At(1), l.At(2))
	}
	_ = append(l.At(0), 'x')
	if string(l.At(2)) != "City:5" {
		t.Error("appending to a tag wrote into the next one")
	}
	if n := testing.AllocsPerRun(50, fill); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
