package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/crier/crier/server/socketio"
)

// recordTime is how long the recorder takes over an event in ten, so that handlers that overlap would be seen.
const recordTime = 2 * time.Millisecond

// furnish gives the laboratory its namespaces.
func furnish(io *socketio.Server) {
	j := &journal{entries: make(map[string]*entry)}
	io.Use(door)
	io.OnConnect(func(s *socketio.Socket) {
		j.watch(s)
		echo(s)
		order(io, s)
		questions(io, s)
		rooms(s)
		say(io, s)
		endings(io, s)
		facts(s)
		_ = s.Emit("hello", "from the connect handler")
	})
	io.Of("/journal").OnConnect(j.open)
	greet := func(s *socketio.Socket) {
		echo(s)
		endings(io, s)
		_ = s.Emit("welcome", s.Namespace().Name())
	}
	io.Of("/static").OnConnect(greet)
	io.OfPattern(regexp.MustCompile(`^/dynamic-\d+$`)).OnConnect(greet)
	io.OfFunc(func(name string, auth json.RawMessage) bool {
		return strings.HasPrefix(name, "/by-function/") && token(auth) == "sesame"
	}).OnConnect(greet)
	guard(io)
}

func door(s *socketio.Socket) error {
	if !s.Handshake().Query.Has("refuse") {
		return nil
	}
	return &socketio.Error{Message: "refused at the door", Data: refusal("E_DOOR")}
}

func refusal(code string) any {
	return struct {
		Code  string `json:"code"`
		Retry bool   `json:"retry"`
	}{Code: code}
}

// guard makes the namespaces whose middleware refuses.
func guard(io *socketio.Server) {
	guarded := io.Of("/guarded")
	guarded.Use(func(s *socketio.Socket) error {
		s.SetData([]string{"first"})
		return nil
	})
	guarded.Use(func(s *socketio.Socket) error {
		if token(s.Handshake().Auth) != "sesame" {
			return &socketio.Error{Message: "not allowed", Data: refusal("E_TOKEN")}
		}
		s.SetData(append(s.Data().([]string), "second"))
		return nil
	})
	guarded.OnConnect(func(s *socketio.Socket) { _ = s.Emit("welcome", s.Namespace().Name(), s.Data()) })
	io.Of("/plainly-guarded").Use(func(*socketio.Socket) error { return errors.New("not today") })
}

func token(auth json.RawMessage) string {
	var a struct {
		Token string `json:"token"`
	}
	_ = json.Unmarshal(auth, &a) // what cannot be read holds no token
	return a.Token
}

// anys turns arguments into what Emit takes.
func anys(args socketio.Args) []any {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg
	}
	return values
}

func echo(s *socketio.Socket) {
	s.On("echo", func(e *socketio.Event) error {
		if e.WantsAck() {
			return e.Ack(anys(e.Args())...)
		}
		return s.Emit("echo", anys(e.Args())...)
	})
}

func order(io *socketio.Server, s *socketio.Socket) {
	seen := []int{}
	s.On("record", func(e *socketio.Event) error {
		var n int
		if err := e.Bind(&n); err != nil {
			return err
		}
		if n%10 == 0 {
			time.Sleep(recordTime)
		}
		seen = append(seen, n)
		return nil
	})
	s.On("recorded", func(e *socketio.Event) error { return e.Ack(seen) })
	s.On("burst", func(e *socketio.Event) error {
		var room string
		var n int
		if err := e.Bind(&room, &n); err != nil {
			return err
		}
		for i := range n {
			if err := io.To(room).Emit("tick", i); err != nil {
				return err
			}
		}
		return e.Ack()
	})
}

const theQuestion = "how many?"

func questions(io *socketio.Server, s *socketio.Socket) {
	s.On("question", func(e *socketio.Event) error {
		var ms int
		if err := e.Bind(&ms); err != nil {
			return err
		}
		ctx, cancel := within(ms)
		defer cancel()
		answer, err := s.EmitWithAck(ctx, "question", theQuestion)
		if err != nil {
			return e.Ack(map[string]string{"error": "timeout"})
		}
		return e.Ack(map[string]any{"answer": anys(answer)})
	})
	s.On("poll", func(e *socketio.Event) error {
		var room string
		var ms int
		if err := e.Bind(&room, &ms); err != nil {
			return err
		}
		go poll(io, e, room, ms) // ends with its timeout; the asker is asked too, and answers to the handler after this one
		return nil
	})
}

func poll(io *socketio.Server, e *socketio.Event, room string, ms int) {
	ctx, cancel := within(ms)
	defer cancel()
	all, err := io.To(room).EmitWithAck(ctx, "question", theQuestion)
	answers := make([]any, 0, len(all))
	for _, answer := range all {
		answers = append(answers, answer.Args[0])
	}
	_ = e.Ack(map[string]any{"answers": answers, "complete": err == nil})
}

func within(ms int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
}

func endings(io *socketio.Server, s *socketio.Socket) {
	s.On("kick", func(e *socketio.Event) error {
		var closeSession bool
		if err := e.Bind(&closeSession); err != nil {
			return err
		}
		s.Disconnect(closeSession)
		return nil
	})
	s.On("kick room", func(e *socketio.Event) error {
		var room string
		var closeSession bool
		if err := e.Bind(&room, &closeSession); err != nil {
			return err
		}
		io.To(room).DisconnectSockets(closeSession)
		return nil
	})
}
