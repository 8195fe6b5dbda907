package fetch

// Part is a fragment with @defer: it begins at the objects of one projection, of some types, and is delivered after the part it lies in. It
// may be delivered when its parent was and all steps with it in Step.For are finished.
type Part struct {
	Label    string  `json:"label,omitempty"`
	Labelled bool    `json:"labelled,omitempty"` // there is a label
	Quoted   []byte  `json:"-"`                  // the label as a JSON string
	Parent   int     `json:"parent"`             // index in Plan.Parts; -1 of the first
	Types    TypeSet `json:"types,omitempty"`    // of the objects it is for; nil: all
	// Projection is where it begins.
	Projection int `json:"projection"`
	// Empty: it has nothing that its parents do not have. Above is the next parent that is not empty.
	Empty bool `json:"empty,omitempty"`
	Above int  `json:"above"`
}

// Parts is a set of indexes of Plan.Parts, a bit for each.
type Parts uint64

// First is the part that is answered at once.
const First Parts = 1

// Has tells whether a part is in the set.
func (p Parts) Has(part int) bool { return p>>part&1 != 0 }

// Of returns the set of one part.
func Of(part int) Parts { return 1 << part }
