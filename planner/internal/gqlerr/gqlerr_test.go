package gqlerr

import "testing"

func TestClass(t *testing.T) {
	for code, want := range map[string]Class{CodeRequest: Request, CodeParse: Parse, CodeValidate: Validate, CodeCoerce: Coerce, "OTHER": Validate} {
		e := Error{Message: "m", Code: code}
		if e.Class() != want || e.Error() != "m" {
			t.Errorf("%s: class %d, want %d", code, e.Class(), want)
		}
	}
}
