package handlers

import (
	"encoding/json"

	"github.com/crier/crier/server/socketio"
)

// A Guest takes part in a room without Socket.IO. Its methods are called one at a time; they may wait, and stop waiting
// when its listener is done. Data and options are JSON; nil options are none. What became of a request is told once, from
// any goroutine: the answer, or what the guest may know of a failure. Both marshal to a JSON object.
type Guest struct {
	room *Room
	sp   *speaker
	at   listener
}

// Visit returns a guest who has not yet said a name, and whose news go to l.
func (r *Room) Visit(l Listener) *Guest { return &Guest{r, newSpeaker(), guestListener{l}} }

// Register is "f". The answer comes before any news.
func (g *Guest) Register(name, options json.RawMessage, tell func(answer, failure any)) {
	to := teller(tell)
	g.do(to, func(args []socketio.Arg) error { return g.room.register(g.sp, g.at, args[0], args[1], to) }, name, options)
}

// Say is "message". The answer comes when the message is stored, which may be after Say has returned, and before the news.
func (g *Guest) Say(data, options json.RawMessage, tell func(answer, failure any)) {
	to := teller(tell)
	g.do(to, func(args []socketio.Arg) error {
		return g.room.say(g.sp, g.at, said{args[0], args[1], len(data) + len(options)}, to)
	}, data, options)
}

// History is "history".
func (g *Guest) History(options json.RawMessage, tell func(answer, failure any)) {
	to := teller(tell)
	g.do(to, func(args []socketio.Arg) error { return g.room.history(g.at, args[0], to) }, options)
}

// do makes arguments of texts, of which nil is null, and tells f's error.
func (g *Guest) do(to teller, f func(args []socketio.Arg) error, texts ...json.RawMessage) {
	args := make([]socketio.Arg, len(texts))
	for i, text := range texts {
		if text == nil {
			continue
		}
		arg, err := socketio.NewArg(text)
		if err != nil {
			to.refuse(err)
			return
		}
		args[i] = arg
	}
	if err := f(args); err != nil {
		to.refuse(err)
	}
}

// Leave takes the guest off the roll.
func (g *Guest) Leave() { g.room.leave(g.sp) }
