package planner

import (
	"slices"
	"testing"
)

func TestWhatIsLearntOfAnOperation(t *testing.T) {
	p := Build(nil, `{ a }`, "", Options{})
	if p.Learnt() != nil || p.Learnt().PrivateAt(1) {
		t.Fatal("a new plan has learnt something")
	}
	if !p.LearnVary([]string{"x-b", "accept-language"}) || !p.LearnVary([]string{"x-b", "x-a"}) {
		t.Error("headers are refused")
	}
	if got := p.Learnt().Vary; !slices.Equal(got, []string{"accept-language", "x-a", "x-b"}) {
		t.Errorf("%q", got)
	}
	if p.LearnVary([]string{"1", "2", "3", "4", "5", "6"}) || len(p.Learnt().Vary) != 3 {
		t.Error("there is no bound on headers")
	}
	p.LearnPrivate(1000)
	if l := p.Learnt(); !l.PrivateAt(1001) || l.PrivateAt(1001+LearntFor) || len(l.Vary) != 3 {
		t.Errorf("%+v", l)
	}
	before := p.Learnt()
	if p.LearnPrivate(1002); p.Learnt() != before {
		t.Error("each answer makes a new record")
	}
}

func TestVariantsOfAnOperationAreBounded(t *testing.T) {
	p := Build(nil, `{ a }`, "", Options{})
	p.LearnVary([]string{"accept-language"})
	l, kept := p.Learnt(), 0
	for i := range uint64(1000) {
		if l.Admit(i, 5) {
			kept++
		}
	}
	if kept != MaxVariants || !l.Admit(3, 6) || l.Admit(999, 6) {
		t.Errorf("%d variants are kept", kept)
	}
	if !l.Admit(999, 6+LearntFor) {
		t.Error("the first variants keep all others out for ever")
	}
}
