// Puppet is a speaker in Go that does what it is told, on zishang520's client.
//
//	puppet URL TRANSPORT NAME
//
// puppet.js tells what a puppet takes and says.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

const (
	wait  = 20 * time.Second
	entry = 5 * time.Second
)

var allowed = map[string]*types.Set[transports.TransportCtor]{
	"polling":   types.NewSet(transports.Polling),
	"websocket": types.NewSet(transports.WebSocket),
	"upgrade":   types.NewSet(transports.Polling, transports.WebSocket),
}

type speaker struct {
	url, transport, name string
	socket               *socket.Socket

	mu   sync.Mutex
	last any // the offset of the newest news
}

func main() {
	s := &speaker{url: os.Args[1], transport: os.Args[2], name: os.Args[3]}
	s.connect()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		order, text, _ := strings.Cut(in.Text(), " ")
		switch order {
		case "say":
			s.emit(text)
		case "bytes":
			s.emit(types.NewBytesBuffer(allBytes()))
		case "leave":
			s.socket.Disconnect()
			say(map[string]any{"step": "left"})
		case "back":
			s.connect()
		}
	}
	s.socket.Disconnect()
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// attempts is how often it tries to connect: on a busy machine v3.0.6 misses what comes right behind its handshake,
// from the reference in one of 80 connections too.
const attempts = 5

// disconnected is what v3.0.6 tells the acknowledgements of a socket that has lost its connection.
const disconnected = "socket has been disconnected"

// connect connects and registers. A registration that is not answered, or with an error, fails at once; those that a
// disconnection ended are counted, and judged by the test.
func (s *speaker) connect() {
	lost := 0
	for i := 1; ; i++ {
		err := s.enter()
		if err == nil {
			var answer any
			if answer, err = s.register(); err == nil {
				say(map[string]any{
					"step": "registered", "answer": answer, "transport": s.transport, "attempts": i, "lost": lost,
				})
				return
			}
			if err.Error() != disconnected {
				fail(err)
			}
			lost++
		}
		if i == attempts {
			fail(err)
		}
		s.socket.Disconnect()
	}
}

func (s *speaker) enter() (err error) {
	opts := socket.DefaultOptions()
	opts.SetTransports(allowed[s.transport])
	opts.SetReconnection(false)
	opts.SetForceNew(true)
	opts.SetAutoConnect(false) // it would connect before it is listened to
	if s.socket, err = socket.Connect(s.url, opts); err != nil {
		return err
	}
	connected := make(chan error, 2)
	_ = s.socket.Once("connect", func(...any) { connected <- nil })
	_ = s.socket.Once("connect_error", func(reasons ...any) { connected <- fmt.Errorf("refused: %v", reasons) })
	_ = s.socket.On("news", s.hear)
	s.socket.Connect()
	select {
	case err = <-connected:
	case <-time.After(entry):
		err = errors.New("it does not connect")
	}
	return err
}

func (s *speaker) register() (any, error) {
	args := []any{s.name}
	s.mu.Lock()
	if s.last != nil {
		args = append(args, map[string]any{"since": s.last})
	}
	s.mu.Unlock()
	return s.ask("f", args...)
}

func (s *speaker) hear(args ...any) {
	data, meta := args[0], args[1].(map[string]any)
	s.mu.Lock()
	s.last = meta["offset"]
	s.mu.Unlock()
	if b, ok := data.(types.BufferInterface); ok {
		data = map[string]any{"bytes": hex.EncodeToString(b.Bytes())}
	}
	say(map[string]any{"step": "heard", "data": data, "meta": meta})
}

func (s *speaker) emit(data any) {
	answer, err := s.ask("message", data)
	if err != nil {
		fail(err)
	}
	say(map[string]any{"step": "acked", "answer": answer})
}

// ask emits an event and returns the answer.
func (s *speaker) ask(event string, args ...any) (any, error) {
	type result struct {
		answer any
		err    error
	}
	results := make(chan result, 1)
	s.socket.EmitWithAck(event, args...)(func(answer []any, err error) {
		if err != nil {
			results <- result{err: err}
		} else {
			results <- result{answer: answer[0]}
		}
	})
	select {
	case r := <-results:
		return r.answer, r.err
	case <-time.After(wait):
		return nil, errors.New(event + " is not answered")
	}
}

var saying sync.Mutex

func say(step map[string]any) {
	saying.Lock()
	defer saying.Unlock()
	b, err := json.Marshal(step)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(b))
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
