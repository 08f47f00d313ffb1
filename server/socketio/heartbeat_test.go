package socketio_test

import (
	"testing"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

// While the session's reader waits for room in an inbox it does not read pongs. Their absence is the server's doing,
// and ends no client.
func TestAClientIsNotTimedOutBehindItsFullInbox(t *testing.T) {
	for _, m := range []mode{socket4, {4, "upgrade"}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			const beat = 200 * time.Millisecond
			h := newHall(t, socketio.Options{
				MaxInbox: 1, Engine: engineio.Options{PingInterval: beat, PingTimeout: beat},
			})
			p, s := h.join(t, m)
			handled := make(chan struct{}, 4)
			s.On("slow", func(*socketio.Event) error {
				select {
				case <-time.After(5 * beat): // longer than a client may leave pings unanswered
					handled <- struct{}{}
				case <-s.Done():
				}
				return nil
			})
			slow := packet{text: `2["slow"]`}
			p.sendAll(slow, slow, slow, slow)
			for range 4 {
				select {
				case <-handled:
				case reason := <-h.left:
					t.Fatalf("it was ended: %q", reason)
				case <-time.After(patience):
					t.Fatal("the events are not handled")
				}
			}
		})
	}
}
