package load

import (
	"os"
	"testing"
	"time"
)

func TestEachEventIsAskedAtItsTimeAndMeasured(t *testing.T) {
	folder := t.TempDir()
	c := newCrier(t, honest)
	r, err := c.run(Options{Work: AckRate, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if r.Ops != 10 || !r.Faultless() || c.total() != 10 {
		t.Errorf("100 ms with 100 events a second: %+v, and the server has heard %d", r, c.total())
	}
	if r.Latency == nil || r.Latency.P50 <= 0 || r.Bare == nil || r.Bare.P50 <= 0 {
		t.Errorf("nothing was measured: %+v, bare %+v", r.Latency, r.Bare)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%d files are left behind, error %v", len(left), err)
	}
}

func TestWithoutAFolderTheDiskIsLeftAlone(t *testing.T) {
	r, err := newCrier(t, honest).run(Options{Work: AckRate})
	if err != nil || r.Bare != nil {
		t.Errorf("bare is %+v, the error %v", r.Bare, err)
	}
}

func TestEventsThatAreNeverAcknowledgedAreAFailure(t *testing.T) {
	c := newCrier(t, honest)
	c.mu.Lock()
	c.mute = true
	c.mu.Unlock()
	r, err := c.run(Options{Work: AckRate, Limit: 300 * time.Millisecond})
	if err == nil || r.Missing != 10 {
		t.Errorf("nothing was acknowledged: %+v, the error %v", r, err)
	}
}
