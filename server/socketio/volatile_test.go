package socketio_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/crier/crier/server/socketio"
)

func TestVolatileEventsAreDroppedBetweenPolls(t *testing.T) {
	io, url := serve(t, socketio.Options{})
	connected := make(chan *socketio.Socket, 1)
	io.OnConnect(func(s *socketio.Socket) { connected <- s })
	p := open(t, url, poll4) // polls by hand
	p.send(`0`)
	s := receive(t, connected, "OnConnect")
	for _, emit := range []func(string, ...any) error{
		s.Volatile().Emit, io.Volatile().Emit, io.To(s.ID()).Volatile().Emit, s.Emit, s.Volatile().Compress(false).Emit,
	} {
		if err := emit("now"); err != nil {
			t.Error(err)
		}
	}
	got, err := p.poll()
	if err != nil || len(got) != 2 || !strings.HasPrefix(string(got[1].data), `42["now"`) {
		t.Errorf("after CONNECT the client hears %v, and not one event: %v", got[1:], err)
	}

	polled := make(chan []engineMessage)
	go func() { // ends with the poll
		got, _ := p.poll()
		polled <- got
	}()
	for n := 0; ; n++ { // once the poll waits, nothing is in the way
		_ = s.Volatile().Emit("now", n)
		select {
		case got := <-polled:
			if len(got) == 0 || !strings.HasPrefix(string(got[0].data), `42["now",`) {
				t.Errorf("a waiting poll hears %v", got)
			}
			return
		case <-time.After(time.Millisecond):
			if n > int(patience/time.Millisecond) {
				t.Fatal("a waiting poll hears no volatile event")
			}
		}
	}
}

func TestVolatileEventsAreDroppedWhenAWebSocketIsFull(t *testing.T) {
	server, url := serve(t, socketio.Options{})
	connected := make(chan *socketio.Socket, 1)
	server.OnConnect(func(s *socketio.Socket) { connected <- s })
	p := open(t, url, socket4) // reads nothing for now
	p.send(`0`)
	s := receive(t, connected, "OnConnect")
	for n := range 50 {
		if err := s.Volatile().Emit("early", n); err != nil {
			t.Fatal(err)
		}
	}
	chunk := strings.Repeat("x", 256<<10)
	writable := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := server.Volatile().EmitWithAck(ctx, "probe")
		return err != nil // it was asked, and does not answer
	}
	for writable() {
		if err := s.Emit("chunk", chunk); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		if err := server.Volatile().Emit("dropped", n); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	p.connected()
	eventually(t, "the WebSocket is writable again", writable)
	if err := s.Emit("end"); err != nil {
		t.Fatal(err)
	}
	early := 0
	for {
		text := p.next().text
		switch {
		case strings.HasPrefix(text, `2["early"`):
			early++
		case strings.HasPrefix(text, `2["dropped"`):
			t.Errorf("%s was kept", text)
		}
		if text == `2["end"]` {
			break
		}
	}
	if early != 50 {
		t.Errorf("%d of 50 volatile events came while the WebSocket was writable", early)
	}
}

func TestCompressDecidesWhatIsCompressed(t *testing.T) {
	o := socketio.Options{}
	o.Engine.CompressWebSocket = true
	server, url := serve(t, o)
	long := strings.Repeat("text ", 1000)
	server.OnConnect(func(s *socketio.Socket) {
		for _, emit := range []func(string, ...any) error{
			s.Emit, s.Compress(false).Emit, s.Compress(true).Emit, server.Emit, server.Compress(false).Emit,
			server.To(s.ID()).Compress(false).Emit,
		} {
			_ = emit("news", long)
		}
		_ = s.Emit("short")
	})
	offer := wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	var dialer ws.Dialer
	dialer.Extensions = append(dialer.Extensions, offer.Option())
	conn, early, _, err := dialer.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"?EIO=3&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	from := reader(conn, early)
	var compressed []bool
	for range 9 { // OPEN and CONNECT come first
		h, err := ws.ReadHeader(from)
		if err == nil {
			_, err = io.CopyN(io.Discard, from, h.Length)
		}
		if err != nil {
			t.Fatal(err)
		}
		compressed = append(compressed, h.Rsv1())
	}
	if want := []bool{false, false, true, false, true, true, false, false, false}; !slices.Equal(compressed, want) {
		t.Errorf("compressed frames: %v, want %v", compressed, want)
	}
}
