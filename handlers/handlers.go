// Package handlers is what the product does: speakers register, say something, and every registered socket hears it.
//
//	f        name, ack         the socket is a speaker's from now on; again, and the speaker is renamed
//	message  data, ack         anyone may say something
//	news     data, {from, id, at}   to every registered socket, the sender's among them
//
// It knows events and arguments, never bytes.
package handlers

import (
	"log/slog"
	"time"

	"github.com/crier/crier/server/socketio"
)

// The product's events.
const (
	eventRegister = "f"
	eventMessage  = "message"
	eventNews     = "news"
)

// speakers is the room of all registered sockets.
const speakers = "speakers"

// Options configure the handlers. The zero value of each field means its default.
type Options struct {
	// Logger takes who comes and goes, at level debug. Zero value means slog.Default().
	Logger *slog.Logger
}

// Register makes the main namespace of io the product's room.
func Register(io *socketio.Server, o Options) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r := &room{io: io, log: o.Logger}
	io.OnConnect(r.welcome)
}

// A room is where speakers are heard.
type room struct {
	io      *socketio.Server
	log     *slog.Logger
	present roll
}

// welcome prepares a socket that has just connected.
func (r *room) welcome(s *socketio.Socket) {
	sp := newSpeaker()
	s.On(eventRegister, func(e *socketio.Event) error { return r.register(sp, e) })
	s.On(eventMessage, func(e *socketio.Event) error { return r.say(sp, e) })
	s.OnDisconnect(func(reason socketio.Reason) {
		r.present.leave(sp)
		r.log.Debug("a socket has left", "name", sp.name, "id", sp.id, "reason", reason)
	})
}

// register handles "f". The ack tells the speaker's name as it was taken, the id that others see, how many are registered
// and the names of the first of them.
func (r *room) register(sp *speaker, e *socketio.Event) error {
	name, err := nameIn(e.Arg(0))
	if err != nil {
		return err
	}
	e.Socket().Join(speakers)
	r.present.enter(sp, name)
	count, names := r.present.list()
	return e.Ack(struct {
		Name  string   `json:"name"`
		ID    string   `json:"id"`
		Count int      `json:"count"`
		Names []string `json:"names"`
	}{name, sp.id, count, names})
}

// say handles "message": the data goes on as it is, unread.
func (r *room) say(sp *speaker, e *socketio.Event) error {
	if e.Len() == 0 {
		return &socketio.Error{Code: "bad_message", Message: "a message needs data"}
	}
	at := time.Now().UnixMilli()
	if err := e.Ack(map[string]int64{"at": at}); err != nil {
		r.log.Debug("an acknowledgement could not be sent", "id", sp.id, "error", err) // the sender has left; what it said counts
	}
	return r.io.To(speakers).Emit(eventNews, e.Arg(0), struct {
		From string `json:"from"` // empty: the sender is not registered
		ID   string `json:"id"`
		At   int64  `json:"at"`
	}{sp.name, sp.id, at})
}
