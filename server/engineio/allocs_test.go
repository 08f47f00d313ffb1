//go:build !race

package engineio_test

import (
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/engineio"
)

// The race detector makes pools drop things at random.
func TestMessagesInTheCommonCodingAreEncodedWithoutAnAllocation(t *testing.T) {
	var asked atomic.Int64
	h := open(t, engineio.Options{Recode: recoder(&asked)}, nil)
	data := []byte(`2["news","hello"]`)
	var prepared engineio.Prepared
	n := testing.AllocsPerRun(200, func() { prepared = h.sv.Prepare(engineio.Message{Data: data}) })
	if n > 0 || asked.Load() > 0 {
		t.Errorf("%v allocations for each of %+v, recoded %d times", n, prepared, asked.Load())
	}
}
