package workload

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestTheSchemaKnowsEveryKey(t *testing.T) {
	var s struct {
		Properties map[string]any            `json:"properties"`
		Defs       map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../workload.schema.json", Schema()) // editors read it from there
	for typ, properties := range map[reflect.Type]any{
		reflect.TypeFor[File](): s.Properties, reflect.TypeFor[Operation](): s.Defs["Operation"]["properties"], reflect.TypeFor[Check](): s.Defs["Check"]["properties"],
		reflect.TypeFor[Users](): s.Defs["Users"]["properties"], reflect.TypeFor[SubscriptionPart](): s.Defs["SubscriptionPart"]["properties"],
		reflect.TypeFor[generatorFile](): s.Defs["Generator"]["properties"], reflect.TypeFor[csvFile](): s.Defs["csvFile"]["properties"],
	} {
		known, _ := properties.(map[string]any)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "" && known[name] == nil {
				t.Errorf("the schema of %s has no %s", typ.Name(), name)
			}
		}
	}
	for _, ref := range strings.Split(string(Schema()), `"$ref": "#/$defs/`)[1:] {
		if name, _, _ := strings.Cut(ref, `"`); s.Defs[name] == nil {
			t.Errorf("the schema has no definition of %s", name)
		}
	}
}
