package plain_test

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

// A ledger is the account of all clients of a server.
type ledger struct {
	held atomic.Int64
	left atomic.Int64

	mu      sync.Mutex // guards the following
	members []limit.Member
}

func (l *ledger) Hold(delta int)    { l.held.Add(int64(delta)) }
func (l *ledger) Left(limit.Member) { l.left.Add(1) }

func (l *ledger) Joined(m limit.Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.members = append(l.members, m)
}

// first is the client that came first.
func (l *ledger) first() limit.Member {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members[0]
}

// charging are options with which all clients are charged to l.
func (l *ledger) charging() plain.Options {
	return plain.Options{Account: func(string) plain.Account { return l }}
}

func TestWhatHasArrivedOfAMessageIsCharged(t *testing.T) {
	const size = 300_000
	for _, e := range endpoints {
		book := new(ledger)
		c := open(t, book.charging()).join(e.path)
		whole := frame(true, websocket.OpText, long("x", size))
		c.sends(whole[:size/2])
		waitFor(t, e.path+": the half is charged", func() bool { return book.held.Load() > size/3 })
		if held := book.first().Held(); held < size/3 {
			t.Errorf("%s: the client says that it holds %d bytes", e.path, held)
		}
		c.conn.Close()
		waitFor(t, e.path+": it is given back", func() bool { return book.held.Load() == 0 && book.left.Load() == 1 })
	}
}

// The client does not read, and so its queue fills. A second later nothing of it is held any more.
func TestAClientThatIsShedHoldsNothingASecondLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := new(ledger)
		o := book.charging()
		o.WriteTimeout = time.Hour
		h := openInMemory(t, o)
		c := h.join("/ws/echo")
		for range 3 {
			c.sends(frame(true, websocket.OpBinary, long("x", 200_000)))
		}
		c.sends(frame(false, websocket.OpBinary, long("x", 100_000)))
		synctest.Wait()
		before := book.held.Load()
		book.first().Shed()
		time.Sleep(time.Second)
		synctest.Wait()
		if held := book.held.Load(); held != 0 || before < 600_000 {
			t.Errorf("%d bytes are charged, of %d", held, before)
		}
		if n := book.left.Load(); n != 1 || h.sv.Len() != 0 {
			t.Errorf("%d have left, %d are there", n, h.sv.Len())
		}
	})
}

func TestClose1013ForAClientThatIsShed(t *testing.T) {
	for _, e := range endpoints {
		book := new(ledger)
		h := open(t, book.charging())
		c := h.join(e.path)
		if e.greeting != "" {
			c.hears(e.greeting)
		}
		waitFor(t, e.path+": the client", func() bool { return h.sv.Len() == 1 })
		book.first().Shed()
		c.isTold(websocket.CloseTryAgainLater, "the server holds too much for this client")
	}
}

func TestWhoIsNotLetInGivesItsAccountBack(t *testing.T) {
	book := new(ledger)
	o := limited(t, limit.AddressLimits{MaxOpen: 1, MaxRate: 100})
	o.Account = book.charging().Account
	h := open(t, o)
	h.join("/ws/echo")
	h.join("/ws/echo").isClosed(websocket.CloseTryAgainLater, "too many connections from this address")
	waitFor(t, "the second one's end", func() bool { return book.left.Load() == 1 })
}

// Pings and pongs cost the server as much as messages do.
func TestPingsAndPongsAreMeteredWithTheMessages(t *testing.T) {
	for name, op := range map[string]websocket.OpCode{"ping": websocket.OpPing, "pong": websocket.OpPong} {
		onEach(t, plain.Options{MaxRate: 50}, func(t *testing.T, h *house, c *client) {
			c.sends(bytes.Repeat(frame(true, op, ""), 150))
			if _, end, err := c.read(); err != nil || end != (goodbye{1008, "too many messages in a second"}) {
				t.Errorf("%s: closed with %v, %v", name, end, err)
			}
			h.expectHits(plain.LimitRate, 1)
		})
	}
}

// A client that was told to go, and goes on sending, is read for a while only.
func TestWhoWasToldToGoIsReadForALittleWhileOnly(t *testing.T) {
	for name, op := range map[string]websocket.OpCode{"messages": websocket.OpText, "pings": websocket.OpPing} {
		h := open(t, plain.Options{WriteTimeout: patience})
		c := h.join("/ws/echo")
		c.says("stop")
		flood, sent := bytes.Repeat(frame(true, op, long("x", 100)), 5000), 0
		for c.conn.SetWriteDeadline(time.Now().Add(patience)) == nil {
			n, err := c.conn.Write(flood)
			if sent += n; err != nil {
				break
			}
		}
		if sent > 64<<20 {
			t.Errorf("%s: %d MB were read", name, sent>>20)
		}
		waitFor(t, name+": the client's end", func() bool { return h.sv.Len() == 0 })
	}
}

// What comes with the same read as the frame that was too much is not waited for.
func TestWhoGoesOnWithPingsIsHeldForTheGraceAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openInMemory(t, plain.Options{})
		c := h.join("/ws/echo")
		c.says("stop")
		go io.Copy(io.Discard, c.conn)
		began := time.Now()
		go c.conn.Write(bytes.Repeat(frame(true, websocket.OpPing, ""), 100_000)) // which may not take all
		waitFor(t, "the client's end", func() bool { return h.sv.Len() == 0 })
		if took := time.Since(began); took > 3*websocket.CloseGrace {
			t.Errorf("its place was taken for %v", took)
		}
	})
}
