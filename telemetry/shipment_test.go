package telemetry

import "testing"

func TestNewShipmentsBeginAsLargeAsOthersBecame(t *testing.T) {
	for _, c := range []struct{ bytes, want int }{{70_000, 70_000}, {2 * keptData, keptData}} {
		s := &sender{free: make(chan *shipment, 1)}
		for _, n := range []int{100, c.bytes, 200} {
			s.filling = s.shipment()
			s.filling.data = append(s.filling.data[:0], make([]byte, n)...)
			s.filled()
		}
		first, second := s.shipment(), s.shipment() // at most one of them was kept
		if got := cap(second.data); got != c.want {
			t.Errorf("after one of %d bytes a new shipment has room for %d, want %d", c.bytes, got, c.want)
		}
		for _, p := range []*shipment{first, second} {
			p.release()
		}
		s.open.Wait()
	}
}
