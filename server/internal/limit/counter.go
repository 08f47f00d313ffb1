package limit

import "sync/atomic"

// A Counter counts what happens very often on many cores: each that counts has a Cell, and the cells are as far apart
// as cores want them. All methods may be called concurrently.
type Counter struct {
	cells [64]Cell
	next  atomic.Uint32
}

// A Cell is a part of a Counter.
type Cell struct {
	n atomic.Uint64
	_ [56]byte // a cache line in all
}

// Cell returns one to count with. Some others may have the same.
func (c *Counter) Cell() *Cell { return &c.cells[c.next.Add(1)%uint32(len(c.cells))] }

// Add counts one.
func (c *Cell) Add() { c.n.Add(1) }

// Sum returns what all cells have counted.
func (c *Counter) Sum() (n uint64) {
	for i := range c.cells {
		n += c.cells[i].n.Load()
	}
	return n
}
