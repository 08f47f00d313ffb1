package plain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/crier/crier/server/websocket"
)

// A Room is what the news endpoint's clients take part in. Its methods are called concurrently.
type Room interface {
	// Visit returns somebody who has not yet said a name, and whose news go to l.
	Visit(l Listener) Visitor
}

// A Visitor is one client in a Room. Calls for one visitor come one at a time. They may wait, and then no message of the client
// is read; they stop waiting when its Listener is done. Options are a JSON object, nil if the client gave none. What a client
// is told of a request, answer or failure, is a JSON object; it is told once, from any goroutine.
type Visitor interface {
	// Register gives the visitor a name, or another one, tells the answer, and then what the visitor missed. When it returns, the
	// visitor is one of those whom News.Publish reaches.
	Register(name, options json.RawMessage, tell func(answer, failure any))
	// Say says something to the room. The answer is told before the news go out.
	Say(data, options json.RawMessage, tell func(answer, failure any))
	// History reads what was said before.
	History(options json.RawMessage, tell func(answer, failure any))
	// Leave is called once, last.
	Leave()
}

// A Listener is a client to its Room. All methods may be called concurrently.
type Listener interface {
	// Hear queues one piece of news for this client alone; see News.Publish.
	Hear(data json.RawMessage, from, id string, at int64, offset uint64) error
	// Join makes the client one of those whom News.Publish reaches.
	Join()
	// Flushed waits until the client has taken what was queued before; an error says that it has left.
	Flushed() error
	// Done is closed when it has left.
	Done() <-chan struct{}
	// CutOff ends a client that can't be told everything.
	CutOff()
}

// News is the endpoint of the room that Socket.IO's clients are in too. The shapes, all of them JSON in text frames:
//
//	-> {"type":"f","speaker":"Ann"}            <- {"type":"ack","for":"f","name","id","count","names","offset"}
//	-> {"type":"message","data":ANY}           <- {"type":"ack","for":"message","offset","at"}
//	-> {"type":"history"}                      <- {"type":"ack","for":"history","entries","first","offset"}
//	                                           <- {"type":"news","data":ANY,"from","id","at","offset"}
//
// The options of the room's events stand in the request: "since" or "history" of f, "id" of message, "before" and "limit" of
// history; package handlers tells what they mean. A "ref" of the client's (any JSON) comes back in the ack. What can't be
// done is answered with {"type":"ack","for","ref","error":{"code","message"}}. Binary data within the news of Socket.IO clients
// comes as base64.
type News struct {
	http.Handler

	server     *Server
	room       Room
	registered audience
}

// Publish tells every registered client. Calls come in the order in which the news are to be heard, one at a time.
func (n *News) Publish(data json.RawMessage, from, id string, at int64, offset uint64) error {
	text, err := newsText(data, from, id, at, offset)
	if err == nil {
		n.registered.tell(n.server, text)
	}
	return err
}

func newsText(data json.RawMessage, from, id string, at int64, offset uint64) ([]byte, error) {
	return marshal(struct {
		Type   string          `json:"type"`
		Data   json.RawMessage `json:"data"`
		From   string          `json:"from"`
		ID     string          `json:"id"`
		At     int64           `json:"at"`
		Offset uint64          `json:"offset"`
	}{"news", data, from, id, at, offset})
}

// Wanted says whether anybody would hear what is published.
func (n *News) Wanted() bool {
	n.registered.mu.Lock()
	defer n.registered.mu.Unlock()
	return len(n.registered.members) > 0
}

func (*News) subprotocol() string { return SubprotocolJSON }

func (n *News) enter(c *client) *ending {
	c.own = n.room.Visit(newsListener{n, c})
	return nil
}

func (n *News) leave(c *client) {
	n.registered.leave(c)
	c.own.(Visitor).Leave()
}

func (*News) binary(*client, []byte) *ending { return endBinary }

// A request is what a client sends.
type request struct {
	Type    string          `json:"type"`
	Speaker json.RawMessage `json:"speaker"`
	Data    json.RawMessage `json:"data"`
	Ref     json.RawMessage `json:"ref"`

	Since   json.RawMessage `json:"since"`
	History json.RawMessage `json:"history"`
	ID      json.RawMessage `json:"id"`
	Before  json.RawMessage `json:"before"`
	Limit   json.RawMessage `json:"limit"`
}

func (n *News) text(c *client, data []byte) *ending {
	var req request
	if err := json.Unmarshal(data, &req); err != nil {
		return n.answer(c, &req, nil, badRequest("bad_json", "this is not a JSON object with a text as its type"))
	}
	v := c.own.(Visitor)
	tell := func(answer, failure any) {
		if end := n.answer(c, &req, answer, failure); end != nil {
			c.end(end)
		}
	}
	switch req.Type {
	case "f":
		v.Register(orNull(req.Speaker), options{"since": req.Since, "history": req.History}.object(), tell)
	case "message":
		if req.Data == nil {
			return n.answer(c, &req, nil, badRequest("bad_message", "a message needs data"))
		}
		v.Say(req.Data, options{"id": req.ID}.object(), tell)
	case "history":
		v.History(options{"before": req.Before, "limit": req.Limit}.object(), tell)
	default:
		return n.answer(c, &req, nil, badRequest("bad_type", `the type is "f", "message" or "history"`))
	}
	return nil
}

// options are members of a request that the room understands.
type options map[string]json.RawMessage

// object returns those that were given; nil if none was.
func (o options) object() json.RawMessage {
	maps.DeleteFunc(o, func(_ string, value json.RawMessage) bool { return value == nil })
	if len(o) == 0 {
		return nil
	}
	text, err := marshal(map[string]json.RawMessage(o))
	if err != nil {
		panic(err) // they were read from JSON
	}
	return text
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// badRequest is what a client is told of a request that nobody could understand.
func badRequest(code, message string) any {
	return struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, message}
}

// answer sends the ack of a request: what it is for, and the fields of answer.
func (n *News) answer(c *client, req *request, answer, failure any) *ending {
	ack, err := marshal(struct {
		Type  string          `json:"type"`
		For   string          `json:"for,omitempty"`
		Ref   json.RawMessage `json:"ref,omitempty"`
		Error any             `json:"error,omitempty"`
	}{"ack", req.Type, req.Ref, failure})
	if err == nil && failure == nil {
		ack, err = withFields(ack, answer)
	}
	if err != nil {
		n.server.opts.Logger.Error("an answer can't be written as JSON", "address", c.address, "error", err)
		return endInternal
	}
	return c.send(websocket.OpText, ack)
}

// withFields adds the fields of a value that is a JSON object to one that has some.
func withFields(object []byte, value any) ([]byte, error) {
	fields, err := marshal(value)
	switch {
	case err != nil:
		return nil, err
	case fields[0] != '{':
		return nil, fmt.Errorf("%T is not a JSON object", value)
	case len(fields) == len("{}"):
		return object, nil
	}
	return append(append(object[:len(object)-1], ','), fields[1:]...), nil
}

// marshal is json.Marshal, but leaves < > & as they are: in what clients said they would take six bytes each.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
