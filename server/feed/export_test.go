package feed

// What the tests of this package must know.
const (
	ProbeEvery = probeEvery
	Stalled    = stalled
)
