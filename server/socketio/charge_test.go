package socketio_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

// A ledger is the account of all sessions of a server.
type ledger struct{ held, left atomic.Int64 }

func (l *ledger) Hold(delta int)           { l.held.Add(int64(delta)) }
func (l *ledger) Joined(*engineio.Session) {}
func (l *ledger) Left(*engineio.Session)   { l.left.Add(1) }

// account has all sessions charged to l.
func (l *ledger) account() socketio.Options {
	return socketio.Options{Engine: engineio.Options{Account: func(string) engineio.Account { return l }}}
}

// cutOnLine cuts once the server has something to lose: on long-polling it learns of the cut only by a poll that waits.
// The peer is the server's only one.
func (p *peer) cutOnLine(io *socketio.Server) {
	p.t.Helper()
	eventually(p.t, "a poll waits", func() bool { return socketio.IsReady(io.Sockets()[0]) })
	p.cut()
}

func TestEventsAreChargedUntilTheirHandlersHaveRun(t *testing.T) {
	const size = 100_000
	inEveryMode(t, func(t *testing.T, m mode) {
		book := new(ledger)
		io, url := serve(t, book.account())
		next, began := make(chan struct{}), make(chan struct{}, 10)
		io.OnConnect(func(s *socketio.Socket) {
			s.On("slow", func(*socketio.Event) error {
				began <- struct{}{}
				<-next
				return nil
			})
		})
		p := join(t, url, m)
		for range 3 {
			p.send(`2["slow","` + strings.Repeat("x", size) + `"]`)
		}
		receive(t, began, "the first event")
		charged := func(events int) func() bool {
			return func() bool {
				held := int(book.held.Load()) // a message that is still in the reader's hands may count beside
				return held > (events*size-16<<10) && held < events*size+16<<10
			}
		}
		eventually(t, "three events are charged", charged(3))
		next <- struct{}{}
		receive(t, began, "the second event")
		eventually(t, "two events are charged", charged(2))
		p.cutOnLine(io)
		next <- struct{}{}
		receive(t, began, "the third event")
		eventually(t, "one event is charged", charged(1))
		next <- struct{}{}
		eventually(t, "nothing is charged", func() bool { return book.held.Load() == 0 })
	})
}

func TestAPacketThatLacksAttachmentsIsChargedUntilItIsWholeOrItsSessionEnds(t *testing.T) {
	inEveryJSONMode(t, func(t *testing.T, m mode) {
		book := new(ledger)
		io, url := serve(t, book.account())
		io.OnConnect(func(*socketio.Socket) {})
		p := join(t, url, m)
		header := engineMessage{data: []byte(`452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)}
		attachment := engineMessage{binary: true, data: make([]byte, 200_000)}
		write := func(all ...engineMessage) {
			if err := p.write(all...); err != nil {
				t.Fatal(err)
			}
		}
		isCharged := func() bool { return book.held.Load() > 180_000 }
		write(header, attachment)
		eventually(t, "the half is charged", isCharged)
		write(attachment)
		eventually(t, "nothing is charged", func() bool { return book.held.Load() == 0 })
		write(header, attachment)
		eventually(t, "the next half is charged", isCharged)
		p.cutOnLine(io)
		eventually(t, "it is given back", func() bool { return book.held.Load() == 0 && book.left.Load() == 1 })
	})
}

func TestTheAuthOfASocketIsChargedToItsSession(t *testing.T) {
	book := new(ledger)
	io, url := serve(t, book.account())
	io.Of("/big").OnConnect(func(*socketio.Socket) {})
	p := join(t, url, socket4)
	p.send(`0/big,{"token":"` + strings.Repeat("x", 60_000) + `"}`)
	eventually(t, "it is charged", func() bool { held := book.held.Load(); return held > 40_000 && held < 70_000 })
	p.send("1/big,")
	eventually(t, "it is given back", func() bool { return book.held.Load() == 0 })
}
