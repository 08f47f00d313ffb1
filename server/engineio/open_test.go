package engineio_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/engineio"
)

// Whoever speaks EIO 4 reads both at once. A client of EIO 3 may listen only when it has seen the connection open.
func TestTheOpenPacketComesBehindTheHandshakeWhereClientsNeedIt(t *testing.T) {
	for _, version := range []int{3, 4} {
		synctest.Test(t, func(t *testing.T) {
			h := openOn(t, newPipes(), engineio.Options{}, nil)
			w := h.stranger(mode{version, "websocket"}).open()
			answered := time.Now()
			if together := w.in.Buffered() > 0; together != (version == 4) {
				t.Errorf("EIO %d: the packet came with the answer: %v", version, together)
			}
			if got, err := w.read(); err != nil || got.kind != '0' {
				t.Errorf("EIO %d: the first packet is %+v, %v", version, got, err)
			}
			if pause := time.Since(answered); (pause > 0) != (version == 3) || pause > time.Millisecond {
				t.Errorf("EIO %d: it came %v later", version, pause)
			}
		})
	}
}
