package handlers

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/crier/crier/server/socketio"
)

// An Event is one thing that clients may ask for. It is the same on every ear: as an event of Socket.IO it has
// arguments, those of Takes and then an object of options; as a plain request it has all of these as members beside
// each other.
type Event struct {
	Name    string
	Takes   []string // the arguments before the options, by the names that they have in a plain request
	Options []string // members of the options; no other is looked at
	Answer  []string // members of the answer; those with "?" are not always there
	Errors  []string // codes that it may be answered with, beside unknown_event, not_registered and internal

	// Registered: only registered speakers may ask for it. Others are answered not_registered.
	Registered bool

	// Do does it, and answers by Call.Answer, or returns the error to be answered: a *socketio.Error as it is, another
	// one as "internal" alone. Calls of one client come one at a time and may wait; then no event of that client is
	// handled, and nobody else notices. What waits must look at Call.Done.
	Do func(Call) error
}

// events are the product's own, each of which has a file.
var events = []*Event{register, message, history}

// A Call is an event of one client under way. It is a value; copies are the same call.
type Call struct {
	core *Core
	by   *speaker
	at   listener
	to   answerer
	args []socketio.Arg // those of Takes, and the options
	held int            // bytes of memory that the arguments are part of
}

// Len returns how many arguments the client gave, options included.
func (c Call) Len() int { return len(c.args) }

// Arg returns the argument at i, from 0; one that the client did not give is null.
func (c Call) Arg(i int) socketio.Arg {
	if i < len(c.args) {
		return c.args[i]
	}
	return socketio.Arg{}
}

// Answer answers the client, if it asked for an answer. Only the first call counts. It may be called after Do has
// returned.
func (c Call) Answer(v any) {
	if err := c.to.answer(v); err != nil {
		c.core.log.Debug("an answer could not be sent", "error", err) // the client has left; what it said counts
	}
}

// WantsAnswer says whether the client asked for an answer.
func (c Call) WantsAnswer() bool { return c.to.wanted() }

// From returns the client's name; "" if it has given none that can be used. It must be called by Do alone.
func (c Call) From() string {
	name, _ := c.core.nameOf(c.by)
	return name
}

// ID returns the id by which others know the client. It is no secret.
func (c Call) ID() string { return c.by.id }

// Address returns the client's IP address.
func (c Call) Address() string { return c.at.Address() }

// Done returns a channel that is closed when the client has left.
func (c Call) Done() <-chan struct{} { return c.at.Done() }

// do does an event for a client.
func (ev *Event) do(c Call) error {
	if ev.Registered && !c.by.registered {
		return refusal("not_registered", "this is for those who are registered; say f first")
	}
	err := ev.Do(c)
	if errors.Is(err, errLeft) {
		return nil // nobody is there to be told
	}
	return err
}

// refusal is an error that the client is told as it is.
func refusal(code, message string) error { return &socketio.Error{Code: code, Message: message} }

// argsOf makes the event's arguments of the members of a plain request. They end before the first that was not given.
func (ev *Event) argsOf(request map[string]json.RawMessage) (args []socketio.Arg, held int, err error) {
	for i := range len(ev.Takes) + 1 {
		var text json.RawMessage
		if i < len(ev.Takes) {
			text = request[ev.Takes[i]]
		} else {
			text = ev.optionsOf(request)
		}
		if text == nil {
			break
		}
		arg, err := socketio.NewArg(text)
		if err != nil {
			return nil, 0, err
		}
		args, held = append(args, arg), held+len(text)
	}
	return args, held, nil
}

// optionsOf returns the options that a plain request has, as an object; nil for none.
func (ev *Event) optionsOf(request map[string]json.RawMessage) (object json.RawMessage) {
	for _, name := range ev.Options {
		if value := request[name]; value != nil {
			object = strconv.AppendQuote(append(object, ','), name)
			object = append(append(object, ':'), value...)
		}
	}
	if object == nil {
		return nil
	}
	object[0] = '{'
	return append(object, '}')
}
