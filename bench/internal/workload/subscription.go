package workload

// Subscription is one subscription to keep open, in plain values.
type Subscription struct {
	Name, Document string // Name is that of the operation in the document; "" when it has none
	Variables      []byte // JSON object; nil: none
	Init           []byte // JSON object, payload of connection_init; nil: none
	Protocol       string // graphql-transport-ws, graphql-ws, sse or sse-get
	Open           int
	Headers        []Header
	TimePath       string // place of the time in an event at which it was sent: $.data.tick.at; "": events carry none
}

// Header is a header line.
type Header struct{ Name, Value string }

// subscriptions compiles them; c.plain holds.
func (c *compiler) subscriptions() {
	for i := range c.file.Subscriptions {
		s := &c.file.Subscriptions[i]
		c.choice(s.n, s.path, "protocol", s.Protocol, protocols)
		out := Subscription{Protocol: s.Protocol, Open: 1, TimePath: s.TimePath}
		if s.Protocol == "" {
			out.Protocol = protocols[0]
		}
		if s.Open != nil {
			if *s.Open < 1 || *s.Open > maxOpen {
				c.badf(s.n.at("open"), s.path+".open", "%d is out of range; write 1 to %d", *s.Open, maxOpen)
			}
			out.Open = int(*s.Open)
		}
		if s.TimePath != "" {
			if _, err := parsePath(s.TimePath); err != nil {
				c.badf(s.n.at("time_path"), s.path+".time_path", "%v", err)
			}
		}
		if d, ok := c.document(s.n, s.path, s.Document, s.File, "", ""); ok {
			if d.kind != "subscription" {
				c.badf(s.n.at("document"), s.path+".document", "is a %s; move it to operations: at the top", d.kind)
			}
			out.Document, out.Name = d.text, d.name
			c.declared(&d, s.Variables, s.n, s.path)
		}
		if len(s.Variables) > 0 {
			out.Variables, _ = c.pairs(s.Variables, s.path+".variables").static()
		}
		if len(s.Init) > 0 {
			out.Init, _ = c.pairs(s.Init, s.path+".init").static()
		}
		for _, p := range s.Headers {
			l := headerLine{p.Key.text, p.Value, s.path + ".headers." + p.Key.text, p.Key}
			value, _ := c.header(l).static()
			out.Headers = append(out.Headers, Header{l.name, string(value)})
		}
		c.w.subscriptions = append(c.w.subscriptions, out)
	}
}
