package workload

import (
	"fmt"
	"slices"

	"github.com/weirproxy/weir/bench/internal/load"
)

// anonymous is what results call the only operation of a workload when nothing names it.
const anonymous = "anonymous"

// operations compiles all operations and what chooses among them.
func (c *compiler) operations() {
	f := c.file
	if len(f.Operations) > maxOperations {
		c.badf(f.n.at("operations"), "operations", "there are %d, the maximum is %d", len(f.Operations), maxOperations)
		return
	}
	known := c.manifest()
	for i := range f.Operations {
		o := &f.Operations[i]
		out := operation{}
		c.choice(o.n, o.path, "method", o.Method, methods)
		c.choice(o.n, o.path, "persisted", o.Persisted, persistences)
		c.choice(o.n, o.path, "kind", o.Kind, kinds)
		if o.Batch != nil {
			c.batch(o, &out)
		} else {
			c.single(o, &out, known)
		}
		out.fixed, out.headers = c.headers(out.get, o.Headers, o.path)
		c.checks(o, &out)
		for _, before := range c.w.labels {
			if before.Name == out.label.Name && before.Name != "" {
				c.badf(o.n.at("name"), o.path+".name", "two operations are called %.40q in the results; give one another name", before.Name)
				break
			}
		}
		c.w.labels, c.w.operations = append(c.w.labels, out.label), append(c.w.operations, out)
	}
	used := c.batchMembers()
	c.weights(used)
}

// single compiles an operation with a document.
func (c *compiler) single(o *Operation, out *operation, known *manifest) {
	persist := o.Persisted
	if persist == "" {
		persist = c.file.Persisted
	}
	out.persist = map[string]persistence{"apq": apq, "trusted": trusted}[persist]
	d, ok := document{kind: o.Kind, name: o.Operation}, true
	if o.DocumentID == "" || o.Document != "" || o.File != "" {
		d, ok = c.document(o.n, o.path, o.Document, o.File, o.Operation, o.Kind)
	} else if d.kind == "" {
		d.kind = load.KindQuery
	}
	if o.DocumentID != "" && out.persist != trusted {
		c.badf(o.n.at("document_id"), o.path+".document_id", "is sent only by persisted: trusted; write that too, or remove it")
	}
	out.name = d.name
	out.label = load.Label{Name: o.Name, Kind: d.kind}
	if out.label.Name == "" {
		out.label.Name = d.name
	}
	if !ok {
		return
	}
	if d.kind == "subscription" {
		c.badf(o.n.at("document"), o.path+".document", "is a subscription; move it to subscriptions: at the top")
		return
	}
	if out.label.Name == "" && len(c.file.Operations) == 1 {
		out.label.Name = anonymous // there is no other to tell it from
	}
	if out.label.Name == "" {
		c.badf(o.n, o.path+".name", "is missing, and the document names no operation; results need a name")
	}
	out.get = o.Method == "GET" || o.Method == "" && c.file.Method == "GET" && d.kind == load.KindQuery
	if out.get && d.kind == load.KindMutation {
		c.badf(o.n.at("method"), o.path+".method", "a mutation is not sent by GET; remove the method")
	}
	c.declared(&d, o.Variables, o.n, o.path)
	out.variables = c.pairs(o.Variables, o.path+".variables")
	id := o.DocumentID
	if id == "" && out.persist == trusted {
		id = known.id(&d)
		if id == "" && c.file.Manifest != "" {
			c.badf(o.n, o.path, "%s has no document of this text or operation name; add it there, or write document_id", c.file.Manifest)
		}
	}
	out.describe(d.text, id, o.DocumentID != "")
}

// batch compiles a batch as far as it stands alone; its members follow when all operations are known.
func (c *compiler) batch(o *Operation, out *operation) {
	out.label = load.Label{Name: o.Name, Kind: load.KindBatch}
	if o.Name == "" {
		c.badf(o.n, o.path+".name", "is missing; results need a name for the batch")
	}
	for _, key := range []string{"document", "file", "operation", "kind", "variables", "document_id", "persisted"} {
		if v := o.n.get(key); v != nil {
			c.badf(v, o.path+"."+key, "belongs to the operations that the batch is made of; remove it here")
		}
	}
	if o.Method == "GET" {
		c.badf(o.n.at("method"), o.path+".method", "a batch is not sent by GET; remove the method")
	}
	b := o.Batch
	if b.n == nil || b.n.kind != mapNode {
		return
	}
	if b.Size < 1 || b.Size > maxBatch {
		c.badf(b.n.at("size"), b.path+".size", "%d operations; write 1 to %d", b.Size, maxBatch)
		return
	}
	out.batch = int(b.Size)
	if len(b.Of) == 0 {
		c.badf(b.n.at("of"), b.path+".of", "is missing or empty; name the operations the batch is made of")
	}
}

// batchMembers resolves what batches are made of and returns which operations they use.
func (c *compiler) batchMembers() (used []bool) {
	used = make([]bool, len(c.w.operations))
	var names []string
	for i := range c.w.operations {
		if c.w.operations[i].batch == 0 {
			names = append(names, c.w.labels[i].Name)
		}
	}
	for i := range c.w.operations {
		out, b := &c.w.operations[i], c.file.Operations[i].Batch
		if out.batch == 0 || b == nil {
			continue
		}
		var weights []float64
		for j, name := range b.Of {
			index := slices.IndexFunc(c.w.labels, func(l load.Label) bool { return l.Name == name })
			at := b.n.at("of")
			if len(at.items) > j {
				at = at.items[j]
			}
			path := fmt.Sprintf("%s.of[%d]", b.path, j)
			switch {
			case index < 0:
				c.badf(at, path, "there is no operation %.40q; %s", name, nearest(name, names))
				continue
			case c.w.operations[index].batch > 0 || c.file.Operations[index].Batch != nil:
				c.badf(at, path, "%.40q is a batch; name operations with documents", name)
				continue
			case c.w.operations[index].get:
				c.badf(at, path, "%.40q is sent by GET; write method: POST for it", name)
				continue
			}
			used[index] = true
			out.of = append(out.of, index)
			weights = append(weights, weightOf(&c.file.Operations[index]))
			if c.w.operations[index].persist == apq {
				out.persist = apq
			}
		}
		if len(weights) == 0 {
			continue
		}
		if slices.Max(weights) == 0 { // operations that only batches use are equally likely
			for j := range weights {
				weights[j] = 1
			}
		}
		out.picks = byWeight(weights)
	}
	return used
}

func weightOf(o *Operation) float64 {
	if o.Weight == nil {
		return 1
	}
	return *o.Weight
}

// weights makes what chooses among the operations.
func (c *compiler) weights(used []bool) {
	f, w := c.file, c.w
	var reads, mutations []float64
	if f.Mutations != nil {
		w.byShare, w.share = *f.Mutations > 0, *f.Mutations
		if !(w.share >= 0 && w.share <= 1) {
			c.badf(f.n.at("mutations"), "mutations", "%v is no share; write 0 to 1, for example 0.02", w.share)
			return
		}
	}
	for i := range f.Operations {
		o := &f.Operations[i]
		weight := weightOf(o)
		if !(weight >= 0 && weight <= maxWeight) {
			c.badf(o.n.at("weight"), o.path+".weight", "%v is out of range; write 0 to %v", weight, float64(maxWeight))
			return
		}
		if weight == 0 && !used[i] {
			c.badf(o.n.at("weight"), o.path+".weight", "is 0 and no batch uses it: it would never be sent; give it a weight, or remove it")
		}
		if f.Mutations != nil && w.labels[i].Kind == load.KindMutation {
			w.mutationOps, mutations = append(w.mutationOps, i), append(mutations, weight)
		} else {
			w.readOps, reads = append(w.readOps, i), append(reads, weight)
		}
	}
	positive := func(list []float64) bool { return slices.Max(append(list, 0)) > 0 }
	switch {
	case len(f.Operations) == 0:
		return
	case !positive(reads) && w.share < 1:
		c.badf(f.n.at("operations"), "operations", "no operation beside the mutations has a weight above 0; give one, or remove the share of mutations")
	case w.byShare && !positive(mutations):
		c.badf(f.n.at("mutations"), "mutations", "there is no mutation with a weight above 0 under operations: to make this share of; add one, or write 0")
	}
	if positive(reads) {
		w.reads = byWeight(reads)
	}
	if positive(mutations) {
		w.mutations = byWeight(mutations)
	}
}
