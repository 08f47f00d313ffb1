package handlers

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/crier/crier/server/socketio"
)

// speakers is the Socket.IO room of all registered sockets.
const speakers = "speakers"

// A Room is where speakers are heard. All methods may be called concurrently.
type Room struct {
	io      *socketio.Server
	maxName int // characters
	log     *slog.Logger
	present roll

	mu sync.Mutex // held while one piece of news is queued for everybody: all hear the news in one order

	also Audience // guarded by mu
}

// An Audience hears the news beside the sockets of Socket.IO.
type Audience interface {
	// Wanted says whether anybody would hear them.
	Wanted() bool
	// Publish must queue and return: the room waits for it. Calls come one at a time, in the order of the news. data is JSON,
	// with binary parts as base64.
	Publish(data json.RawMessage, from, id string, at int64) error
}

// Also adds an audience. There is one at most.
func (r *Room) Also(a Audience) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.also = a
}

// A presence answers "f": the speaker's name as it was taken, the id that others see, how many are registered and the
// names of the first of them.
type presence struct {
	Name  string   `json:"name"`
	ID    string   `json:"id"`
	Count int      `json:"count"`
	Names []string `json:"names"`
}

// register gives sp a name; heard puts it among those who hear the news.
func (r *Room) register(sp *speaker, arg socketio.Arg, heard func()) (*presence, error) {
	name, err := nameIn(arg, r.maxName)
	if err != nil {
		return nil, err
	}
	heard()
	r.present.enter(sp, name)
	count, names := r.present.list()
	return &presence{name, sp.id, count, names}, nil
}

// A receipt answers "message": when it was said, in Unix milliseconds, as the news tell it too.
type receipt struct {
	At int64 `json:"at"`
}

// A meta is the second argument of the news.
type meta struct {
	From string `json:"from"` // empty: the sender is not registered
	ID   string `json:"id"`
	At   int64  `json:"at"`
}

// say passes data on as it is, unread. The sender hears that it was taken before it hears the news.
func (r *Room) say(sp *speaker, data socketio.Arg, taken func(receipt) error) error {
	m := meta{sp.name, sp.id, time.Now().UnixMilli()}
	if err := taken(receipt{m.At}); err != nil {
		r.log.Debug("an acknowledgement could not be sent", "id", sp.id, "error", err) // it has left; what it said counts
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.io.To(speakers).Emit(eventNews, data, m); err != nil {
		return err
	}
	return r.tellOthers(data, m)
}

// tellOthers publishes for the other audience. r.mu must be held.
func (r *Room) tellOthers(data socketio.Arg, m meta) error {
	if r.also == nil || !r.also.Wanted() {
		return nil
	}
	text, err := data.MarshalJSON()
	if err != nil {
		return fmt.Errorf("news that JSON can't hold: %w", err)
	}
	return r.also.Publish(text, m.From, m.ID, m.At)
}

func (r *Room) leave(sp *speaker) { r.present.leave(sp) }

// A Guest takes part in a room without Socket.IO. Its methods are called one at a time.
type Guest struct {
	room *Room
	sp   *speaker
}

// Visit returns a guest who has not yet said a name.
func (r *Room) Visit() *Guest { return &Guest{r, newSpeaker()} }

// Register is "f". heard is called once the name is known to be good: from then on the guest is to hear the news. The
// answer marshals to a JSON object.
func (g *Guest) Register(name json.RawMessage, heard func()) (any, error) {
	arg, err := socketio.NewArg(name)
	if err != nil {
		return nil, err
	}
	return g.room.register(g.sp, arg, heard)
}

// Say is "message". taken is called with the answer, which marshals to a JSON object, before the news go out.
func (g *Guest) Say(data json.RawMessage, taken func(answer any)) error {
	arg, err := socketio.NewArg(data)
	if err != nil {
		return err
	}
	return g.room.say(g.sp, arg, func(t receipt) error { taken(t); return nil })
}

// Leave takes the guest off the roll.
func (g *Guest) Leave() { g.room.leave(g.sp) }

// PublicError returns what a guest may know of an error; it marshals to a JSON object.
func (g *Guest) PublicError(err error) any { return socketio.PublicError(err) }
