package planner

import "testing"

func TestCompanionStandsForAnswersWithoutTheKey(t *testing.T) {
	for tag, want := range map[string]string{
		"City:5": "City:?", "City:a:b": "City:?", "City": "", "City:?": "", "list:City": "", "Query.city": "", "Query.city(0123456789abcdef)": "", ":5": "", "City:": "",
	} {
		if got, ok := Companion(tag); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", tag, got, ok, want)
		}
	}
}

func TestAnswerWithoutTheKeyIsFoundByTheCompanion(t *testing.T) {
	s, err := ParseSchema("s", `type City @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! name: String } type Query { city(id: ID!): City }`)
	if err != nil {
		t.Fatal(err)
	}
	p := Build(s, `{ city(id: 5) { name } }`, "", Options{})
	var tags Tags
	p.Inspect([]byte(`{"data":{"city":{"name":"x"}}}`), &tags)
	want, _ := Companion("City:5")
	for i := range tags.Len() {
		if string(tags.At(i)) == want {
			return
		}
	}
	t.Errorf("%s is not on the answer", want)
}
