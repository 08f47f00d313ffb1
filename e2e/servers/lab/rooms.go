package main

import "github.com/crier/crier/server/socketio"

func rooms(s *socketio.Socket) {
	inRoom := func(act func(room string)) func(*socketio.Event) error {
		return func(e *socketio.Event) error {
			var room string
			if err := e.Bind(&room); err != nil {
				return err
			}
			act(room)
			return e.Ack()
		}
	}
	s.On("join", inRoom(func(room string) { s.Join(room) }))
	s.On("leave", inRoom(func(room string) { s.Leave(room) }))
	s.On("rooms", func(e *socketio.Event) error { return e.Ack(roomsOf(s)) })
}

// How a test wants something said.
type how struct {
	Everyone bool     `json:"everyone"` // the sender too
	To       []string `json:"to"`
	Except   []string `json:"except"`
	Local    bool     `json:"local"`
	Volatile bool     `json:"volatile"`
	Compress *bool    `json:"compress"`
}

func say(io *socketio.Server, s *socketio.Socket) {
	s.On("say", func(e *socketio.Event) error {
		var h how
		var event string
		if err := e.Bind(&h, &event); err != nil {
			return err
		}
		if err := audience(io, s, h).Emit(event, anys(e.Args()[2:])...); err != nil {
			return err
		}
		return e.Ack()
	})
}

func audience(io *socketio.Server, s *socketio.Socket, h how) *socketio.Broadcast {
	to := s.Broadcast()
	if h.Everyone {
		to = io.Except()
	}
	to = to.To(h.To...).Except(h.Except...)
	if h.Local {
		to = to.Local()
	}
	if h.Volatile {
		to = to.Volatile()
	}
	if h.Compress != nil {
		to = to.Compress(*h.Compress)
	}
	return to
}

func facts(s *socketio.Socket) {
	s.On("handshake", func(e *socketio.Event) error { return e.Ack(handshake(s.Handshake())) })
	s.On("keep", func(e *socketio.Event) error {
		s.SetData(e.Arg(0))
		return e.Ack()
	})
	s.On("kept", func(e *socketio.Event) error { return e.Ack(s.Data()) })
	s.On("recovered", func(e *socketio.Event) error { return e.Ack(s.Recovered()) })
	s.On("transport", func(e *socketio.Event) error { return e.Ack(s.Transport()) })
	s.On("reserved", func(e *socketio.Event) error {
		var event string
		if err := e.Bind(&event); err != nil {
			return err
		}
		if err := s.Emit(event); err != nil {
			return e.Ack(err.Error())
		}
		return e.Ack(nil)
	})
}

func handshake(h *socketio.Handshake) any {
	query := map[string]string{"EIO": h.Query.Get("EIO")}
	if h.Query.Has("colour") {
		query["colour"] = h.Query.Get("colour")
	}
	return map[string]any{
		"header": h.Headers.Get("X-Lab"), "query": query, "auth": h.Auth, "address": h.Address, "secure": h.Secure,
		"xdomain": h.CrossOrigin, "url": h.URL, "issued": h.Time.UnixMilli(),
	}
}
