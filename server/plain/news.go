package plain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/crier/crier/server/websocket"
)

// A Room is what the news endpoint's clients take part in. Its methods are called concurrently.
type Room interface {
	// Visit returns somebody who has not yet said a name.
	Visit() Visitor
}

// A Visitor is one client in a Room. Calls for one visitor come one at a time.
type Visitor interface {
	// Register gives the visitor a name, or another one. heard is called before anything newer can be heard: from then on the
	// visitor is one of those whom News.Publish reaches. The answer is what the client is told, a JSON object.
	Register(name json.RawMessage, heard func()) (answer any, err error)
	// Say says something to the room. taken is called with what the client is told, a JSON object, before the news go out.
	Say(data json.RawMessage, taken func(answer any)) error
	// Leave is called once, last.
	Leave()
	// PublicError returns what the client may know of an error, a JSON object.
	PublicError(err error) any
}

// News is the endpoint of the room that Socket.IO's clients are in too. The shapes, all of them JSON in text frames:
//
//	-> {"type":"f","speaker":"Ann"}            <- {"type":"ack","for":"f","name","id","count","names"}
//	-> {"type":"message","data":ANY}           <- {"type":"ack","for":"message","at"}
//	                                           <- {"type":"news","data":ANY,"from","id","at"}
//
// A "ref" of the client's (any JSON) comes back in the ack. What can't be done is answered with
// {"type":"ack","for","ref","error":{"code","message"}}. Binary data within the news of Socket.IO clients comes as base64.
type News struct {
	http.Handler

	server     *Server
	room       Room
	registered audience
}

// Publish tells every registered client. Calls come in the order in which the news are to be heard, one at a time.
func (n *News) Publish(data json.RawMessage, from, id string, at int64) error {
	text, err := marshal(struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
		From string          `json:"from"`
		ID   string          `json:"id"`
		At   int64           `json:"at"`
	}{"news", data, from, id, at})
	if err != nil {
		return err
	}
	n.registered.tell(n.server, text)
	return nil
}

// Wanted says whether anybody would hear what is published.
func (n *News) Wanted() bool {
	n.registered.mu.Lock()
	defer n.registered.mu.Unlock()
	return len(n.registered.members) > 0
}

func (*News) subprotocol() string { return SubprotocolJSON }

func (n *News) enter(c *client) *ending {
	c.own = n.room.Visit()
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
}

func (n *News) text(c *client, data []byte) *ending {
	var req request
	if err := json.Unmarshal(data, &req); err != nil {
		return n.answer(c, &req, nil, badRequest("bad_json", "this is not a JSON object with a text as its type"))
	}
	v := c.own.(Visitor)
	switch req.Type {
	case "f":
		answer, err := v.Register(orNull(req.Speaker), func() { n.registered.join(c) })
		if err != nil {
			return n.answer(c, &req, nil, v.PublicError(err))
		}
		return n.answer(c, &req, answer, nil)
	case "message":
		return n.say(c, v, &req)
	default:
		return n.answer(c, &req, nil, badRequest("bad_type", `the type is "f" or "message"`))
	}
}

// say answers once: what was taken before it failed stays taken.
func (n *News) say(c *client, v Visitor, req *request) (end *ending) {
	if req.Data == nil {
		return n.answer(c, req, nil, badRequest("bad_message", "a message needs data"))
	}
	taken := false
	err := v.Say(req.Data, func(answer any) {
		taken = true
		end = n.answer(c, req, answer, nil)
	})
	switch {
	case err == nil:
	case taken:
		n.server.opts.Logger.Error("news could not be passed on", "address", c.address, "error", err)
	default:
		return n.answer(c, req, nil, v.PublicError(err))
	}
	return end
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
