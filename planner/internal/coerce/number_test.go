package coerce

import "testing"

func TestNumber(t *testing.T) {
	p := compile(t, testSchema(t), "$i: Int $f: Float $d: ID $a: Any $s: String $b: Boolean $l: [Int] $n: Int")
	var v Values
	for _, c := range []struct {
		raw, name string
		want      float64
		ok        bool
	}{
		{`{"i":-7}`, "i", -7, true},
		{`{"f":2.5}`, "f", 2.5, true},
		{`{"f":3}`, "f", 3, true},
		{`{"d":"12"}`, "d", 12, true},
		{`{"d":98765432109876}`, "d", 98765432109876, true},
		{`{"d":"x1"}`, "d", 0, false},
		{`{"d":"1x"}`, "d", 0, false},
		{`{"d":""}`, "d", 0, false},
		{`{"d":"inf"}`, "d", 0, false},
		{`{"d":"0x10"}`, "d", 16, false},
		{`{"d":"1_0"}`, "d", 0, false},
		{`{"a":1.5e3}`, "a", 1500, true},
		{`{"a":-4}`, "a", -4, true},
		{`{"a":"5"}`, "a", 0, false},
		{`{"a":[1]}`, "a", 0, false},
		{`{"a":true}`, "a", 0, false},
		{`{"s":"5"}`, "s", 0, false},
		{`{"b":true}`, "b", 0, false},
		{`{"l":[1]}`, "l", 0, false},
		{`{"n":null}`, "n", 0, false},
		{`{}`, "n", 0, false},
	} {
		if errs := p.Run([]byte(c.raw), &v); errs != nil {
			t.Fatalf("%s: %v", c.raw, errs)
		}
		got, ok := v.Find(c.name, nil).Number()
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %v %v, want %v %v", c.raw, got, ok, c.want, c.ok)
		}
	}
}

func TestMembers(t *testing.T) {
	p := compile(t, testSchema(t), "$p: Point $l: [Point!] $a: Any")
	var v Values
	if errs := p.Run([]byte(`{"p":{"label":"here","x":1},"l":[],"a":{"k":1}}`), &v); errs != nil {
		t.Fatal(errs)
	}
	var got string
	m := v.Find("p", nil).Members()
	for name, value, ok := m.Next(); ok; name, value, ok = m.Next() {
		got += string(name) + "=" + string(value.Bytes()[:1]) + " "
	}
	if want := "x=i y=i label=s "; got != want { // y has a default
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range []string{"l", "a", "none"} {
		m := v.Find(name, nil).Members()
		if name, _, ok := m.Next(); ok {
			t.Errorf("%s has a member %s", name, name)
		}
	}
	for cut := range v.Canonical { // a text cut short ends the walk
		m := Members{v.Canonical[9:][:max(cut-9, 0)]}
		for range 10 {
			if _, _, ok := m.Next(); !ok {
				break
			}
		}
	}
}
