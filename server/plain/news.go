package plain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/crier/crier/server/websocket"
)

// A Room is what the news endpoint's clients take part in. Its methods are called concurrently.
type Room interface {
	// Visit returns somebody who has not yet said a name, and whose news go to l.
	Visit(l Listener) Visitor
}

// A Visitor is one client in a Room. Calls for one visitor come one at a time. They may wait, and then no message of
// the client is read; they stop waiting when its Listener is done.
type Visitor interface {
	// Do does the event of that name. The members of a request, each of them JSON, are what the event takes. What
	// became of it is a JSON object, an answer or a failure, that is told once, from any goroutine.
	Do(event string, request map[string]json.RawMessage, tell func(answer, failure any))
	// Close is called once, last, when the client has left. Nothing is heard any more when it returns.
	Close()
}

// A Listener is a client to its Room. All methods may be called concurrently.
type Listener interface {
	// Hear queues one piece of news for this client alone; see News.Publish.
	Hear(data json.RawMessage, from, id string, at int64, offset uint64) error
	// Join makes the client one of those whom News.Publish reaches.
	Join()
	// Flushed waits until the client has taken what was queued before. An error says that it has left, or is ctx's
	// own.
	Flushed(ctx context.Context) error
	// Done is closed when it has left.
	Done() <-chan struct{}
	// CutOff ends a client that can't be told everything.
	CutOff()
	// Address is the client's IP address.
	Address() string
}

// News is the endpoint of the room that Socket.IO's clients are in too. The shapes, all of them JSON in text frames:
//
//	-> {"type":EVENT,"ref":ANY, ...}           <- {"type":"ack","for":EVENT,"ref":ANY, ...}
//	                                           <- {"type":"ack","for":EVENT,"ref":ANY,"error":{"code","message"}}
//	                                           <- {"type":"news","data":ANY,"from","id","at","offset"}
//
// Each event of the room may be asked for; package handlers lists them. What an event takes, options included, are
// members of the request ("speaker" of f, "data" of message), and what it answers are members of the ack. The ref, any
// JSON, comes back in the ack if there is one. Binary data within the news of Socket.IO clients comes as base64. For
// example:
//
//	-> {"type":"f","speaker":"Ann","since":7}  <- {"type":"ack","for":"f","name","id","count","names","first",...}
//	-> {"type":"message","data":ANY,"id":"x"}  <- {"type":"ack","for":"message","offset","at"}
//	-> {"type":"history","limit":20}           <- {"type":"ack","for":"history","entries","first","offset"}
//
// The codes bad_json and bad_type are for requests that name no event.
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

func (n *News) open(c *client) *ending {
	c.own = n.room.Visit(newsListener{n, c})
	return nil
}

func (n *News) closed(c *client) {
	c.own.(Visitor).Close()
	n.registered.remove(c)
}

func (*News) binary(*client, []byte) *ending { return endBinary }

// A request is what a client asks for.
type request struct {
	event   string
	ref     json.RawMessage
	members map[string]json.RawMessage
}

// parseRequest reads a request. Of one that names no event, the error says why; it may have a ref.
func parseRequest(data []byte) (r request, failure any) {
	if json.Unmarshal(data, &r.members) != nil {
		return r, badRequest("bad_json", "this is not a JSON object")
	}
	r.ref = r.members["ref"]
	if json.Unmarshal(r.members["type"], &r.event) != nil || r.event == "" {
		return r, badRequest("bad_type", "the type must be a text, the name of an event")
	}
	return r, nil
}

func (n *News) text(c *client, data []byte) *ending {
	req, failure := parseRequest(data)
	if failure != nil {
		return n.answer(c, &req, nil, failure)
	}
	c.own.(Visitor).Do(req.event, req.members, func(answer, failure any) {
		if end := n.answer(c, &req, answer, failure); end != nil {
			c.end(end)
		}
	})
	return nil
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
	}{"ack", req.event, req.ref, failure})
	if err == nil && failure == nil {
		ack, err = withFields(ack, answer)
	}
	if err != nil {
		n.server.note(n.server.lines.faults, slog.LevelError, "an answer can't be written as JSON",
			"address", c.address, "error", err)
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
