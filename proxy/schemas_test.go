package proxy

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

// introspection is the answer of a service whose Query has the fields, all strings.
func introspection(fields ...string) string {
	list := ""
	for i, f := range fields {
		if i > 0 {
			list += ","
		}
		list += `{"name":"` + f + `","args":[{"name":"id","type":{"kind":"SCALAR","name":"ID"}}],"type":{"kind":"SCALAR","name":"String"}}`
	}
	return `{"data":{"__schema":{"queryType":{"name":"Query"},"directives":[],"types":[{"kind":"OBJECT","name":"Query","interfaces":[],"fields":[` + list +
		`]},{"kind":"SCALAR","name":"String"},{"kind":"SCALAR","name":"ID"},{"kind":"SCALAR","name":"Boolean"}]}}}`
}

// introspected has no schema file and looks often.
func introspected(f *config.File) { f.Schema, f.Introspection = "", "20ms" }

func (r *rig) schema() *planner.Schema { return r.policies.load().Plans.Schema() }

// turns waits until the schema is another one and returns it.
func (r *rig) turns(from *planner.Schema) *planner.Schema {
	r.t.Helper()
	eventually(r.t, "a new schema", func() bool { return r.schema() != from })
	return r.schema()
}

func TestIntrospectionArrivesChangesAndGoesBad(t *testing.T) {
	o := newOrigin(t)
	r := start(t, configuration(t, o.URL, introspected))
	const complaint = "no new schema; requests go on"
	r.log.await(t, complaint, 1)
	if a, _ := r.query("Early"); a.StatusCode != http.StatusOK || r.schema() != nil || r.metric("weir_schema_loaded") != 0 || r.metric("weir_schema_failing") != 1 {
		t.Errorf("without a schema: %d, loaded %v, failing %v", a.StatusCode, r.metric("weir_schema_loaded"), r.metric("weir_schema_failing"))
	}
	o.introspection.Store(&response{http.StatusOK, introspection("book")})
	first := r.turns(nil)
	o.introspection.Store(&response{http.StatusOK, introspection("book", "more")})
	second := r.turns(first)
	if first.Hash() == second.Hash() {
		t.Error("the hash did not change")
	}
	eventually(t, "failing is over", func() bool { return r.metric("weir_schema_failing") == 0 })
	for i, bad := range []response{
		{http.StatusInternalServerError, "down"},
		{http.StatusOK, `{"errors":[{"message":"introspection is off"}]}`},
		{http.StatusOK, `{"data":{"__schema":{"queryType":{"name":"Query"},"types":[]}}}`},
		{http.StatusOK, "<html>"},
	} {
		o.introspection.Store(&bad)
		eventually(t, "failing", func() bool { return r.metric("weir_schema_failing") == 1 })
		if r.schema() != second || r.metric("weir_schema_loaded") != 1 {
			t.Errorf("%+v: the last good schema is gone", bad)
		}
		if a, _ := r.query("Meanwhile"); a.StatusCode != http.StatusOK {
			t.Errorf("%+v: %d", bad, a.StatusCode)
		}
		o.introspection.Store(&response{http.StatusOK, introspection("book", "more")})
		eventually(t, "failing is over", func() bool { return r.metric("weir_schema_failing") == 0 })
		if n := r.log.count(complaint); n != i+2 {
			t.Errorf("%d complaints after %d outages", n, i+2)
		}
	}
	if r.schema() != second {
		t.Error("the same schema was put in force again")
	}
	if n := r.log.count("schema loaded"); n != 2 {
		t.Errorf("%d schemas loaded, want 2", n)
	}
}

func TestSchemaFileIsReadAgainWhenItChanges(t *testing.T) {
	o := newOrigin(t)
	var path string
	r := start(t, configuration(t, o.URL, func(f *config.File) { path, f.Introspection = f.Schema, "20ms" }))
	first := r.schema()
	if first == nil {
		t.Fatal("no schema at the start")
	}
	age := time.Duration(0)
	change := func(text string) { // at once, as a deployment does, and with a new time however coarse the file system's clock is
		next := write(t, path+".next", text)
		age += time.Hour
		if err := os.Chtimes(next, time.Now().Add(age), time.Now().Add(age)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	change(sdl + "type More { a: Int }")
	second := r.turns(first)
	change("type Query { broken")
	eventually(t, "failing", func() bool { return r.metric("weir_schema_failing") == 1 })
	for range 5 { // it stays so while the file is wrong
		if r.metric("weir_schema_failing") != 1 || r.schema() != second {
			t.Error("a wrong file is forgotten, or in force")
		}
	}
	if n := r.log.count("no new schema"); n != 1 {
		t.Errorf("%d complaints, want 1", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	change(sdl)
	if third := r.turns(second); third.Hash() != first.Hash() {
		t.Error("the first schema did not come back")
	}
	eventually(t, "failing is over", func() bool { return r.metric("weir_schema_failing") == 0 })
}
