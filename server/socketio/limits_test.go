package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/socketio"
)

func expectHits(t *testing.T, io *socketio.Server, l socketio.Limit, want uint64) {
	t.Helper()
	if got := io.Stats().Hits[string(l)]; got != want {
		t.Errorf("%s was hit %d times, want %d", l, got, want)
	}
}

// expectFine checks that a client is served.
func (p *peer) expectFine() {
	p.t.Helper()
	p.send(`20["echo","fine"]`)
	p.expect(`30["fine"]`)
}

func TestAFloodIsWarnedAndThenDisconnected(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxEventRate: 5})
		reasons := make(chan socketio.Reason, 2)
		io.OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.OnDisconnect(func(r socketio.Reason) { reasons <- r })
		})
		p, witness := join(t, url, m), join(t, url, m)
		flood := make([]packet, 40)
		for i := range flood {
			flood[i] = packet{text: `2["x"]`}
		}
		_ = p.trySend(flood...)
		heard := p.ended()
		want := []string{
			`2["warning",{"code":"rate","message":"more than 5 events a second: slow down, or you will be disconnected"}]`,
			`2["warning",{"code":"rate_limit","message":"more than 5 events a second: disconnected"}]`,
			`1`,
		}
		if fmt.Sprint(heard) != fmt.Sprint(want) {
			t.Errorf("it heard %q", heard)
		}
		if got := receive(t, reasons, "the reason"); got != socketio.ReasonRateLimit || got.Reconnects() {
			t.Errorf("the reason is %q, after which it comes back: %v", got, got.Reconnects())
		}
		witness.expectFine()
		expectHits(t, io, socketio.LimitEventRate, 1)
		if got := io.Stats().Warnings; got != 1 {
			t.Errorf("%d warnings", got)
		}
	})
}

func TestTooManyBytesAreWarnedAndThenDisconnected(t *testing.T) {
	inEveryMode(t, func(t *testing.T, m mode) {
		o := socketio.Options{MaxByteRate: 1000}
		o.Engine.MaxPayload = 10_000
		io, url := serve(t, o)
		io.OnConnect(echo)
		p, witness := join(t, url, m), join(t, url, m)
		event := packet{text: `51-["x",{"_placeholder":true,"num":0}]`, attachments: [][]byte{make([]byte, 4000)}}
		for range 2 { // 8,000 of the 10,000 that one message may have
			p.sendAll(event)
		}
		p.expectFine()
		p.sendAll(event)
		if got := p.next().text; !strings.HasPrefix(got, `2["warning",{"code":"rate","message":"more than 1000 bytes`) {
			t.Errorf("it hears %q", got)
		}
		for range 3 {
			_ = p.trySend(event)
		}
		if heard := p.ended(); len(heard) != 2 || !strings.Contains(heard[0], `"rate_limit"`) || heard[1] != "1" {
			t.Errorf("then it hears %q", heard)
		}
		witness.expectFine()
		expectHits(t, io, socketio.LimitByteRate, 1)
	})
}

// Many namespaces are no way around the limit, and the answers that the server has asked for do not count.
func TestTheRateIsThatOfAllNamespaces(t *testing.T) {
	for _, m := range []mode{socket4, poll4} {
		io, url := serve(t, socketio.Options{MaxEventRate: 5})
		io.Of("/a").OnConnect(echo)
		io.Of("/b").OnConnect(echo)
		p := join(t, url, m)
		for _, ns := range []string{"/a", "/b"} {
			p.send("0" + ns + ",")
			p.next()
		}
		for n := range 40 {
			if p.trySend(packet{text: "2/" + string("ab"[n%2]) + `,["x"]`}) != nil {
				break
			}
		}
		if heard := p.ended(); len(heard) < 2 || !strings.Contains(heard[1], `"rate_limit"`) {
			t.Errorf("%v: it hears %q", m, heard)
		}
	}
}

func TestAnswersThatWereAskedForAreNotTooFast(t *testing.T) {
	for _, m := range []mode{socket4, poll4} {
		const questions = 100
		io, url := serve(t, socketio.Options{MaxEventRate: 5})
		answered := make(chan error, questions)
		io.OnConnect(func(s *socketio.Socket) {
			echo(s)
			for range questions {
				go func() { // ends with the answer
					_, err := s.EmitWithAck(t.Context(), "question")
					answered <- err
				}()
			}
		})
		p := join(t, url, m)
		for n := range questions {
			p.next()
			p.send(fmt.Sprintf(`3%d[]`, n+1))
		}
		for range questions {
			if err := receive(t, answered, "an answer"); err != nil {
				t.Fatal(m, ": ", err)
			}
		}
		p.expectFine()
	}
}

func TestALimitThatAPacketBreaksIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		limit  socketio.Limit
		code   string
		attack []packet
	}{
		"attachments": {socketio.LimitAttachments, "too_many_attachments", []packet{{text: `511-["x"]`}}},
		"depth":       {socketio.LimitDepth, "too_deep", []packet{{text: `2["x",` + nested(256) + `]`}}},
		"depth of auth": {socketio.LimitDepth, "too_deep", []packet{{text: `0/a,` + strings.Repeat(`{"a":`,
			257) + "1" + strings.Repeat("}", 257)}}},
		"event name": {socketio.LimitEventName, "event_name_too_long",
			[]packet{{text: `2["` + strings.Repeat("n", 257) + `"]`}}},
		"arguments": {socketio.LimitArguments, "too_many_arguments",
			[]packet{{text: `2["x"` + strings.Repeat(",0", 1<<14) + `]`}}},
		"namespace": {socketio.LimitNamespace, "namespace_too_long",
			[]packet{{text: `2/` + strings.Repeat("n", 9000) + `,["x"]`}}},
		"too much in it": {socketio.LimitPayload, "too_large", []packet{{text: `52-["x"]`,
			attachments: [][]byte{make([]byte, 60_000), make([]byte, 60_000)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range []mode{socket4, socket3, poll4} {
				if tt.limit == socketio.LimitPayload && m == poll4 {
					continue // one body holds no more than one message anyway
				}
				o := socketio.Options{}
				o.Engine.MaxPayload = 100_000
				io, url := serve(t, o)
				io.OnConnect(echo)
				p, witness := join(t, url, m), join(t, url, m)
				_ = p.trySend(tt.attack...)
				heard := p.ended()
				if len(heard) != 1 || !strings.HasPrefix(heard[0], `2["warning",{"code":"`+tt.code+`","message":"`) {
					t.Errorf("%v: it hears %q", m, heard)
				}
				expectHits(t, io, tt.limit, 1)
				witness.expectFine()
			}
		})
	}
}

func TestWhatIsWithinTheLimitsIsTaken(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	io.OnConnect(func(s *socketio.Socket) {
		s.OnAny(func(e *socketio.Event) error { return e.Ack() })
	})
	p := join(t, url, socket4)
	for _, text := range []string{
		`20["x",` + nested(255) + `]`,
		`20["` + strings.Repeat("n", 256) + `"]`,
		`20["x","` + strings.Repeat("[", 1000) + `\"["]`,
	} {
		p.send(text)
		p.expect(`30[]`)
	}
}

func TestASocketIsInNoMoreRoomsThanItMay(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxRooms: 3})
		io.OnConnect(func(s *socketio.Socket) {
			s.On("join", func(e *socketio.Event) error {
				var rooms []string
				if err := e.Bind(&rooms); err != nil {
					return err
				}
				if err := s.Join(rooms...); err != nil {
					return err
				}
				return e.Ack(len(s.Rooms()))
			})
			s.On("leave", func(e *socketio.Event) error { s.Leave("b"); return e.Ack() })
		})
		p, witness := join(t, url, m), join(t, url, m)
		p.send(`21["join",["a","b"]]`)
		p.expect(`31[3]`)
		p.send(`22["join",["b","c","d"]]`)
		p.expect(`32[{"error":{"code":"too_many_rooms","message":"too many rooms"}}]`)
		p.send(`23["join",["a","b","c"]]`)
		p.expect(`33[4]`)
		p.send(`24["leave"]`)
		p.expect(`34[]`)
		p.send(`25["join",["d"]]`)
		p.expect(`35[4]`)
		witness.send(`21["join",["a","b","c"]]`)
		witness.expect(`31[4]`)
		expectHits(t, io, socketio.LimitRooms, 1)
		if st := io.Stats(); st.Rooms != 4 || st.Sockets != 2 || st.Namespaces != 1 {
			t.Errorf("%d rooms, %d sockets, %d namespaces", st.Rooms, st.Sockets, st.Namespaces)
		}
		if err := io.SocketsJoin("e"); !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Errorf("a broadcast's Join: %v", err)
		}
	})
}

func TestTheServerWaitsForNoMoreAcksThanItMay(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxAcks: 2})
		io.OnConnect(echo)
		p := join(t, url, m)
		s := io.Sockets()[0]
		witness := join(t, url, m)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ended := make(chan error, 2)
		for range 2 {
			go func() { // ends with ctx
				_, err := s.EmitWithAck(ctx, "question")
				ended <- err
			}()
			p.next()
		}
		if _, err := s.EmitWithAck(ctx, "question"); !errors.Is(err, socketio.ErrTooManyAcks) {
			t.Errorf("the third: %v", err)
		}
		go func() { // ends with the answer
			witness.next()
			witness.send(`34["yes"]`)
		}()
		var missing *socketio.MissingAcksError
		answers, err := io.Local().EmitWithAck(ctx, "question")
		if !errors.As(err, &missing) || missing.Missing != 1 || missing.Sent != 2 || len(answers) != 1 {
			t.Errorf("a broadcast: %d answers, %v", len(answers), err)
		}
		expectHits(t, io, socketio.LimitAcks, 2)
		cancel()
		for range 2 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		p.expectFine()
	})
}

func TestNamespacesOverTheLimitAreCounted(t *testing.T) {
	both(t, func(t *testing.T, m mode) {
		io, url := serve(t, socketio.Options{MaxNamespaces: 1})
		io.Of("/a")
		io.OnConnect(echo)
		p := join(t, url, m)
		p.send(`0/a,`)
		p.next()
		expectHits(t, io, socketio.LimitNamespaces, 1)
		p.expectFine()
	})
}

func TestASessionWithoutANamespaceIsCounted(t *testing.T) {
	inMadeUpTime(t, socketio.Options{}, func(t *testing.T, io *socketio.Server, d dialer) {
		p := socket4.openIn(t, d)
		p.start()
		time.Sleep(50 * time.Second) // of the bubble's time
		p.ended()
		expectHits(t, io, socketio.LimitConnectTime, 1)
	})
}

// What waits for all sockets of a session together is bounded, and a socket that waits for room is not forgotten
// when it is another's event that makes it.
func TestManySocketsOfASessionHoldNoMoreThanOne(t *testing.T) {
	o := socketio.Options{}
	o.Engine.MaxPayload = 10_000
	inMadeUpTime(t, o, func(t *testing.T, io *socketio.Server, d dialer) {
		release, handled := make(chan struct{}), make(chan string, 100)
		for _, name := range []string{"/a", "/b", "/c"} {
			io.Of(name).OnConnect(func(s *socketio.Socket) {
				s.OnAny(func(*socketio.Event) error {
					if name == "/a" {
						<-release
					}
					handled <- name
					return nil
				})
			})
		}
		p := socket4.openIn(t, d)
		p.start()
		for _, name := range []string{"/a", "/b", "/c"} {
			p.send("0" + name + ",")
			p.next()
		}
		sent := make(chan struct{})
		go func() { // ends when the server has read all of it
			defer close(sent)
			for range 4 { // the handler has the first, and the three others are too much
				p.send(`2/a,["` + strings.Repeat("n", 250) + `","` + strings.Repeat("x", 4000) + `"]`)
			}
			p.send(`2/b,["x"]`)
			p.send(`2/c,["x"]`)
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("the session is read on")
		case name := <-handled:
			t.Fatalf("an event of %s was read", name)
		default:
		}
		if got := io.Stats().Hits[string(socketio.LimitInbox)]; got == 0 {
			t.Error("nobody was held up")
		}
		close(release)
		for range 6 {
			<-handled
		}
		<-sent
	})
}

func TestAVolatileEventThatIsDroppedIsCounted(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	p := open(t, url, poll4) // and does not poll
	p.send(`0`)
	eventually(t, "it is connected", func() bool { return io.Len() == 1 })
	_ = io.Volatile().Emit("x")
	_ = io.Sockets()[0].Volatile().Emit("x")
	if got := io.Stats().Dropped; got != 2 {
		t.Errorf("%d dropped", got)
	}
}

func TestRefusedEventsDoNotFillTheLog(t *testing.T) {
	for _, m := range []mode{socket4, poll4} {
		var log logBook
		io, url := serve(t, socketio.Options{Logger: log.logger()})
		io.OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.On("bad", func(*socketio.Event) error { return errors.New("no") })
		})
		p := join(t, url, m)
		all := make([]packet, 500)
		for i := range all {
			all[i] = packet{text: `2["bad"]`}
		}
		p.sendAll(all...)
		eventually(t, "all are refused", func() bool { return io.Stats().Refused == 500 })
		if n := strings.Count(log.text(), "an event was refused"); n < 10 || n > 100 {
			t.Errorf("%v: %d lines in the log", m, n)
		}
		if got := io.Stats().Events; got != 500 {
			t.Errorf("%v: %d events", m, got)
		}
		p.expectFine()
	}
}

func TestALimitThatIsNegativeIsAnError(t *testing.T) {
	for _, o := range []socketio.Options{{MaxRooms: -1}, {MaxAcks: -1}, {MaxEventName: -1}, {MaxEventRate: -1},
		{MaxByteRate: -1}} {
		if _, err := socketio.New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// nested returns an empty array in others, depth in all.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
