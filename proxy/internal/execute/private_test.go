package execute

import (
	"testing"
	"time"
)

// What a subgraph calls private is kept for who asked, as soon as it is known to be private, and nobody else has it.
func TestWhatIsPrivateIsKeptForTheUserAlone(t *testing.T) {
	f := newShelf(t, Keeping{Rules: []Rule{{TTL: time.Hour}, {Private: true}}})
	f.lines["Cache-Control"] = "private, max-age=60"
	as := func(user, asked string) {
		t.Helper()
		f.user = user
		f.expect(t, asked, "7", "8")
	}
	as("ann", "1 2") // nobody knew
	as("ann", "1 2")
	as("ann", "")
	f.stock["1"], f.stock["2"] = 70, 80
	as("ann", "")
	f.user = "bob"
	f.expect(t, "1 2", "70", "80")
	f.expect(t, "", "70", "80")
	for range 2 { // whoever is not known
		f.user = ""
		f.expect(t, "1 2", "70", "80")
	}
	as("ann", "")
	if got, _ := f.freshness(t, plain); !got.Private || !about(got.TTL, time.Minute) {
		t.Errorf("%+v", got)
	}
	f.invalidate(t, "Product:1")
	f.expect(t, "1", "70", "8")
	f.invalidate(t, "@tenant:acme")
	f.expect(t, "1 2", "70", "80")
	f.lines["Cache-Control"] = "private"
	f.invalidate(t, "@tenant:acme")
	f.expect(t, "1 2", "70", "80")
	f.expect(t, "1 2", "70", "80") // for no time
}

// An answer that says private only now and then is never kept for everybody with what it said then.
func TestWhatIsPrivateNowAndThen(t *testing.T) {
	f := newShelf(t, Keeping{Rules: []Rule{{TTL: time.Hour}, {Private: true}}})
	f.user = "ann"
	f.expect(t, "1 2", "7", "8") // public
	f.user = "bob"
	f.expect(t, "", "7", "8")
	f.listed, f.lines["Cache-Control"] = []string{"3"}, "private, max-age=60"
	f.invalidate(t, "list:Product")
	f.expect(t, "3", "9")
	f.stock["3"] = 90
	f.user = "ann"
	f.expect(t, "3", "90") // what bob got is not hers
	f.stock["3"], f.lines["Cache-Control"] = 91, "max-age=60"
	f.user = "bob"
	f.expect(t, "3", "91") // public again, and kept for him
	f.stock["3"] = 92
	f.expect(t, "", "91")
	f.user = "ann"
	f.expect(t, "", "90")
}
