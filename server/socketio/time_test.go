package socketio_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/socketio"
)

// A pipeNet is a network in memory, so that a test's time can be made up.
type pipeNet struct {
	conns chan net.Conn
	done  chan struct{}
}

func (n *pipeNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *pipeNet) Close() error   { close(n.done); return nil }
func (n *pipeNet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (n *pipeNet) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	n.conns <- server
	return client, nil
}

// inMadeUpTime runs a test with a server in a bubble of its own time.
func inMadeUpTime(t *testing.T, o socketio.Options, test func(t *testing.T, io *socketio.Server, d dialer)) {
	synctest.Test(t, func(t *testing.T) {
		o.Logger = slog.New(slog.DiscardHandler)
		io, err := socketio.New(o)
		if err != nil {
			t.Fatal(err)
		}
		network := &pipeNet{make(chan net.Conn), make(chan struct{})}
		web := &http.Server{Handler: io}
		stopped := make(chan error)
		go func() { stopped <- web.Serve(network) }() // ends with web.Close
		t.Cleanup(func() {
			if err := io.Close(context.Background()); err != nil {
				t.Error(err)
			}
			_ = web.Close()
			<-stopped
		})
		test(t, io, network.dial)
	})
}

func (m mode) openIn(t *testing.T, d dialer) *peer {
	t.Helper()
	return openOver(t, d, "http://crier.test/socket.io/", m)
}

func TestASilentClientIsGivenUpAfterBothHeartbeatTimes(t *testing.T) {
	for _, m := range []mode{socket4, socket3, poll4, {4, "upgrade"}, {3, "upgrade"}} {
		t.Run(m.String(), func(t *testing.T) {
			inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
				ends := watched(io)
				p := m.openIn(t, d)
				p.mute.Store(true)
				p.start()
				if m.version == 4 {
					p.send(`0`)
				}
				p.connected()
				began := time.Now()
				if got := <-ends; got != string(socketio.ReasonPingTimeout) {
					t.Errorf("the reason is %q", got)
				}
				if got := time.Since(began); got != 45*time.Second {
					t.Errorf("it lasts %v", got)
				}
				p.ended()
			})
		})
	}
}

func TestAClientThatAnswersStays(t *testing.T) {
	for _, m := range []mode{socket4, poll4} {
		t.Run(m.String(), func(t *testing.T) {
			inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
				ends := watched(io)
				p := m.openIn(t, d)
				p.start()
				p.send(`0`)
				p.connected()
				time.Sleep(10*time.Minute + 10*time.Second) // of the bubble's time; a pong is not on its way then
				if len(ends) > 0 {
					t.Errorf("it ended with %q", <-ends)
				}
				p.send(`20["echo"]`)
				p.expect(`30[]`)
			})
		})
	}
}

func TestASessionWithoutANamespaceIsClosed(t *testing.T) {
	inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
		began := time.Now()
		p := socket4.openIn(t, d)
		p.start()
		p.send(`0/nowhere,`)
		p.expect(`4/nowhere,{"message":"Invalid namespace"}`)
		for io.Sessions() > 0 {
			time.Sleep(time.Second) // of the bubble's time
		}
		if got := time.Since(began); got < 45*time.Second || got > 48*time.Second { // and up to 2 s for its goodbye
			t.Errorf("it lasts %v", got)
		}
		p.ended()
	})
}

func TestASlowMiddlewareDoesNotExtendTheConnectTimeout(t *testing.T) {
	inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
		io.Use(func(*socketio.Socket) error { time.Sleep(time.Minute); return nil })
		io.OnConnect(func(*socketio.Socket) { t.Error("it is let in") })
		p := socket4.openIn(t, d)
		p.start()
		p.send(`0`)
		time.Sleep(50 * time.Second) // of the bubble's time
		if got := p.ended(); len(got) > 0 {
			t.Errorf("it hears %q", got)
		}
		time.Sleep(time.Minute) // of the bubble's time: the middleware says yes
	})
}

// Only the first namespace has to be in time.
func TestASessionThatHasLeftItsNamespacesStays(t *testing.T) {
	inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
		ends := watched(io)
		p := socket4.openIn(t, d)
		p.start()
		p.send(`0`)
		p.connected()
		p.send(`1`)
		<-ends
		time.Sleep(time.Hour) // of the bubble's time
		p.send(`0`)
		p.connected()
	})
}

// The reader has stopped at a full inbox when a handler asks its client: the answer stands behind what waits outside.
func TestAnAnswerIsFoundBehindEventsThatWaitOutside(t *testing.T) {
	inMadeUpTime(t, socketio.Options{MaxInbox: 2}, func(t *testing.T, io *socketio.Server, d dialer) {
		gate := make(chan struct{})
		io.OnConnect(func(s *socketio.Socket) {
			s.On("ask", func(e *socketio.Event) error {
				<-gate
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := s.EmitWithAck(ctx, "question")
				return err
			})
			echo(s)
		})
		p := socket4.openIn(t, d)
		p.start()
		p.send(`0`)
		p.connected()
		sent := make(chan struct{})
		go func() { // ends when the server has read all of it
			defer close(sent)
			p.sendAll(packet{text: `2["ask"]`}, packet{text: `20["echo"]`}, packet{text: `21["echo"]`},
				packet{text: `22["echo"]`}, packet{text: `31[]`})
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("the inbox does not fill up")
		default:
		}
		close(gate)
		began := time.Now()
		p.expect(`21["question"]`, `30[]`, `31[]`, `32[]`)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the handler waited %v", waited)
		}
		<-sent
	})
}
