package serve

// lent is memory for one answer of ours while it is written.
type lent struct{ b []byte }

// maxLent bounds what is kept of it.
const maxLent = 16 << 10

func (s *Server) lend() *lent { return s.lendable.Get().(*lent) }

// takeBack keeps the memory as it has grown.
func (s *Server) takeBack(m *lent, grown []byte) {
	if cap(grown) <= maxLent {
		m.b = grown
	}
	s.lendable.Put(m)
}

// borrow makes c.out usable until giveBack.
func (c *conn) borrow() {
	c.lent = c.s.lend()
	c.out = c.lent.b[:0]
}

func (c *conn) giveBack() {
	c.s.takeBack(c.lent, c.out)
	c.lent, c.out = nil, nil
}
