package socketio_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

var (
	msgpackSocket4 = mode{4, "websocket msgpack"}
	msgpackPoll4   = mode{4, "polling msgpack"}
	msgpackSocket3 = mode{3, "websocket msgpack"}
)

// relay tells everybody in the room what somebody says, unread.
func relay(io *socketio.Server) func(*socketio.Socket) {
	return func(s *socketio.Socket) {
		_ = s.Join("room")
		s.On("say", func(e *socketio.Event) error {
			var args []any
			for _, a := range e.Args() {
				args = append(args, a)
			}
			return io.To("room").Emit("said", args...)
		})
	}
}

func TestClientsOfBothCodingsHearEachOther(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	io.OnConnect(relay(io))
	peers := make([]*peer, len(modes))
	for i, m := range modes {
		peers[i] = join(t, url, m)
	}
	for _, speaker := range peers {
		speaker.send(`52-["say",{"deep":[{"_placeholder":true,"num":1}],"n":1},{"_placeholder":true,"num":0}]`, []byte{1, 2, 3}, nil)
		for _, p := range peers {
			got := p.next()
			want := `52-["said",{"deep":[{"_placeholder":true,"num":0}],"n":1},{"_placeholder":true,"num":1}]`
			if got.text != want || len(got.attachments) != 2 {
				t.Fatalf("%v heard from %v %s", p.mode, speaker.mode, got.text)
			}
			if len(got.attachments[0]) != 0 || !bytes.Equal(got.attachments[1], []byte{1, 2, 3}) {
				t.Fatalf("%v heard from %v the bytes %x", p.mode, speaker.mode, got.attachments)
			}
		}
	}
}

// Above the number of sockets to which a broadcast is pushed at once, the flusher's workers send what follows each
// other in one piece.
func TestManyClientsOfBothCodingsHearAllInOrder(t *testing.T) {
	const crowd, events = 24, 200
	io, url := serve(t, socketio.Options{})
	io.OnConnect(relay(io))
	var peers []*peer
	for range crowd {
		peers = append(peers, join(t, url, socket4), join(t, url, msgpackSocket4))
	}
	peers = append(peers, join(t, url, poll4), join(t, url, msgpackPoll4), join(t, url, socket3), join(t, url, msgpackSocket3))
	sockets := io.To("room").Sockets()
	for i := range events {
		emit(t, io, "n", i)
		emit(t, sockets[i%len(sockets)], "own", i)
		if i%10 == 0 {
			emit(t, io, "bytes", []byte{byte(i)})
		}
	}
	emit(t, io, "end")
	own := 0
	for _, p := range peers {
		for n := 0; ; {
			got := p.next().text
			switch {
			case got == fmt.Sprintf(`2["n",%d]`, n):
				n++
				continue
			case strings.HasPrefix(got, `2["own",`):
				own++
				continue
			case strings.HasPrefix(got, `51-["bytes",`):
				continue
			case got != `2["end"]` || n != events:
				t.Fatalf("%v: got %s after %d events", p.mode, got, n)
			}
			break
		}
	}
	if own != events {
		t.Errorf("%d of the %d events to one socket came", own, events)
	}
}

func TestASessionKeepsTheCodingOfItsFirstMessage(t *testing.T) {
	text := func(s string) engineMessage { return engineMessage{data: []byte("4" + s)} }
	pack := func(s string) engineMessage { return engineMessage{true, packed(packet{text: s})} }
	for name, messages := range map[string][]engineMessage{
		"text after MessagePack":            {pack(`0`), text(`2["x"]`)},
		"an object after MessagePack":       {pack(`0`), text(`{"type":1,"nsp":"/"}`)},
		"MessagePack after text":            {text(`0`), pack(`2["x"]`)},
		"an attachment after MessagePack":   {pack(`0`), {true, []byte{1, 2, 3}}},
		"nothing after MessagePack":         {pack(`0`), {true, nil}},
		"bytes that are no packet at first": {{true, []byte{1, 2, 3}}},
		"an object at first":                {text(`{"type":0,"nsp":"/"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range []mode{{4, "websocket"}, {4, "polling"}} {
				io, url := serve(t, socketio.Options{})
				io.OnConnect(relay(io))
				neighbour := join(t, url, msgpackSocket4)
				p := open(t, url, m)
				p.mode.transport += " msgpack" // so that it reads both
				p.start()
				for _, one := range messages {
					_ = p.write(one) // the session may have ended
				}
				p.ended()
				neighbour.send(`2["say","still here"]`)
				neighbour.expect(`2["said","still here"]`)
			}
		})
	}
}

func TestAClientOfEIO3NamesItsCodingInItsQuery(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	io.OnConnect(relay(io))
	io.Of("/side").OnConnect(func(s *socketio.Socket) { emit(t, s, "auth", s.Auth()) })
	p := join(t, url, msgpackSocket3)
	for range 2 {
		_ = p.write(engineMessage{data: []byte(`4{"type":0,"query":"a=b,c","nsp":"/side?a=b,c"}`)})
		p.expect(`0/side,`, `2/side,["auth",{"a":"b,c"}]`)
		_ = p.write(engineMessage{data: []byte(`4{"type":1,"nsp":"/side"}`)})
	}
	p.send(`2["say",1]`)
	p.expect(`2["said",1]`)
	other := join(t, url, socket3)
	other.send(`2["say",2]`)
	other.expect(`2["said",2]`)
}

func TestAPacketInMessagePackHoldsNoMoreThanOneInJSONCould(t *testing.T) {
	o := socketio.Options{}
	o.Engine.MaxPayload = 10_000
	io, url := serve(t, o)
	io.OnConnect(relay(io))
	p := join(t, url, msgpackSocket4)
	p.send(`2["say"` + strings.Repeat(`,null`, 1990) + `]`)
	p.next()
	b := packed(packet{text: `2["say"` + strings.Repeat(`,null`, 2000) + `]`})
	if len(b) > 3000 {
		t.Fatalf("%d bytes", len(b))
	}
	_ = p.write(engineMessage{true, b})
	if last := p.ended(); len(last) != 1 || !strings.Contains(last[0], `["warning",{"code":"too_large"`) {
		t.Errorf("heard %s", last)
	}
	if n := io.Stats().Hits[string(socketio.LimitPayload)]; n != 1 {
		t.Errorf("counted %v", io.Stats().Hits)
	}
}
