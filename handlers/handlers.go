// Package handlers is what the product does: speakers register, say something, and every registered client hears it.
//
//	f        name, ack              the socket is a speaker's from now on; again, and the speaker is renamed
//	message  data, ack              anyone may say something
//	news     data, {from, id, at}   to every registered socket, the sender's among them
//
// It knows events and arguments, never bytes. Clients that do not speak Socket.IO take part through [Room.Visit] and
// [Audience].
package handlers

import (
	"log/slog"

	"github.com/crier/crier/server/socketio"
)

// The product's events.
const (
	eventRegister = "f"
	eventMessage  = "message"
	eventNews     = "news"
)

// Options configure the handlers. The zero value of each field means its default.
type Options struct {
	// MaxName is the longest name of a speaker, in characters. Zero value means 64.
	MaxName int

	// Logger takes who comes and goes, at level debug. Zero value means slog.Default().
	Logger *slog.Logger
}

// Register makes the main namespace of io the product's room.
func Register(io *socketio.Server, o Options) *Room {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxName == 0 {
		o.MaxName = 64
	}
	r := &Room{io: io, maxName: o.MaxName, log: o.Logger}
	io.OnConnect(r.welcome)
	return r
}

// welcome prepares a socket that has just connected.
func (r *Room) welcome(s *socketio.Socket) {
	sp := newSpeaker()
	s.On(eventRegister, func(e *socketio.Event) error {
		p, err := r.register(sp, e.Arg(0), func() { s.Join(speakers) })
		if err != nil {
			return err
		}
		return e.Ack(p)
	})
	s.On(eventMessage, func(e *socketio.Event) error {
		if e.Len() == 0 {
			return &socketio.Error{Code: "bad_message", Message: "a message needs data"}
		}
		return r.say(sp, e.Arg(0), func(t receipt) error { return e.Ack(t) })
	})
	s.OnDisconnect(func(reason socketio.Reason) {
		r.leave(sp)
		r.log.Debug("a socket has left", "name", sp.name, "id", sp.id, "reason", reason)
	})
}
