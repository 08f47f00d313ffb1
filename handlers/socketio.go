package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// speakers is the Socket.IO room of all registered sockets.
const speakers = "speakers"

// A socketEar is a client of Socket.IO.
type socketEar struct {
	core   *Core
	sp     *speaker
	s      *socketio.Socket
	turnOf string
}

// welcome prepares a socket that has just connected.
func (c *Core) welcome(s *socketio.Socket) {
	ear := &socketEar{c, c.speakerOf(s), s, c.opts.Turn(s.Address())}
	for _, ev := range c.events {
		s.On(ev.Name, func(e *socketio.Event) error { return ev.do(ear.call(e)) })
	}
	s.OnDisconnect(func(reason socketio.Reason) {
		c.unregister(ear.sp, ear)
		if c.log.Enabled(context.Background(), slog.LevelDebug) {
			c.log.Debug("a socket has left", "name", ear.sp.name, "id", ear.sp.id, "reason", reason)
		}
	})
	if ear.sp.registered && !slices.Contains(s.Rooms(), speakers) { // it was lost before it had joined them
		c.goOn(ear.sp, ear)
	}
}

func (l *socketEar) call(e *socketio.Event) Call {
	return Call{core: l.core, by: l.sp, at: l, to: asker{e}, args: e.Args(), held: e.Size()}
}

// speakerOf returns the speaker that s is: one that has just come, or, if s is recovered, the one that it was.
func (c *Core) speakerOf(s *socketio.Socket) *speaker {
	sp, known := s.Data().(*speaker)
	if !known {
		sp = newSpeaker()
		sp.introduce(s.Auth(), c.opts.MaxName)
		s.SetData(sp)
		return sp
	}
	if sp.registered {
		c.speakers.roll.back(sp)
	}
	return sp
}

// hear is the one place where news go to one socket alone. The feed can tell them again, so they are not held for its
// recovery: one that was lost before it had them is new, and says where it was.
func (l *socketEar) hear(e *feed.Entry) error {
	data, err := argOf(e)
	if err != nil {
		return err
	}
	return l.s.Unrecorded().Emit(eventNews, data, metaOf(e))
}

// Join joins a room; there is always one more, as clients choose none.
func (l *socketEar) Join() { _ = l.s.Join(speakers) }

func (l *socketEar) Flushed(ctx context.Context) error { return l.s.Flushed(ctx) }
func (l *socketEar) Done() <-chan struct{}             { return l.s.Done() }
func (l *socketEar) CutOff()                           { l.s.Disconnect(true) }
func (l *socketEar) Address() string                   { return l.s.Address() }
func (l *socketEar) turn() string                      { return l.turnOf }

// asker answers by the acknowledgement of an event.
type asker struct{ e *socketio.Event }

func (a asker) wanted() bool       { return a.e.WantsAck() }
func (a asker) answer(v any) error { return a.e.Ack(v) }

func (a asker) refuse(err error) {
	_ = a.e.Ack(struct { // the socket may have ended
		Error *socketio.Error `json:"error"`
	}{socketio.PublicError(err)})
}

// introduce takes what a client gave in the handshake: its name and its secret, as far as they can be used. A name that
// is no text, or empty, is as none: pages send what they have.
func (sp *speaker) introduce(auth json.RawMessage, maxName int) {
	if len(auth) <= len("{}") {
		return
	}
	var given struct{ Name, Secret json.RawMessage }
	if json.Unmarshal(auth, &given) != nil {
		return
	}
	if arg, err := socketio.NewArg(given.Name); err == nil && len(given.Name) > 0 && given.Name[0] == '"' {
		sp.name, err = nameIn(arg, maxName)
		sp.owner.name = sp.name
		if err != errEmptyName {
			sp.badName = err
		}
	}
	if secret, err := secretIn(given.Secret); err == nil {
		sp.owner.secret = secret
	}
}
