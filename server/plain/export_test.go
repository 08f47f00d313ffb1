package plain

import (
	"log/slog"
	"net/http"

	"github.com/crier/crier/server/websocket"
)

// Panicking returns an endpoint that panics where it is told to: "open", "text", "binary" or "closed".
func (sv *Server) Panicking(where string) http.Handler { return sv.handler(panicking(where)) }

type panicking string

func (panicking) subprotocol() string { return SubprotocolText }

func (p panicking) at(place string) *ending {
	if string(p) == place {
		panic("on purpose, at " + place)
	}
	return nil
}

func (p panicking) open(*client) *ending           { return p.at("open") }
func (p panicking) text(*client, []byte) *ending   { return p.at("text") }
func (p panicking) binary(*client, []byte) *ending { return p.at("binary") }
func (p panicking) closed(*client)                 { p.at("closed") }

// A Crowd is a chat of clients that have no connections: what is said to them stays in their queues.
type Crowd struct {
	chat    *chat
	clients []*client
}

// NewCrowd fills a chat with n clients of sv.
func NewCrowd(sv *Server, n int) *Crowd {
	c := &Crowd{chat: newChat(sv)}
	for range n {
		c.clients = append(c.clients, sv.detached(c.chat))
	}
	return c
}

func (sv *Server) detached(e endpoint) *client {
	c := &client{server: sv, endpoint: e}
	c.out.Init(sv.flusher, c, &sv.queues)
	e.open(c)
	return c
}

// Say is a text of the first client's.
func (c *Crowd) Say(text []byte) { c.chat.text(c.clients[0], text) }

// Leave takes the client at i out, and gives it to the caller as one that nobody knows.
func (c *Crowd) Leave(i int) (gone *Crowd) {
	c.chat.closed(c.clients[i])
	gone = &Crowd{chat: c.chat, clients: c.clients[i : i+1 : i+1]}
	c.clients = append(c.clients[:i:i], c.clients[i+1:]...)
	return gone
}

// Len returns how many the chat knows.
func (c *Crowd) Len() int {
	c.chat.all.mu.Lock()
	defer c.chat.all.mu.Unlock()
	return len(c.chat.all.members)
}

// Waiting returns how many bytes wait for each client.
func (c *Crowd) Waiting() (sizes []int) {
	for _, c := range c.clients {
		sizes = append(sizes, c.out.Size())
	}
	return sizes
}

// A Petitioner is a client of the news endpoint that has no connection.
type Petitioner struct {
	news   *News
	client *client
}

// NewPetitioner returns a client of room.
func NewPetitioner(sv *Server, room Room) *Petitioner {
	n := sv.News(room)
	return &Petitioner{n, sv.detached(n)}
}

// Ask returns the texts that a request brings, and whether it ended the client.
func (p *Petitioner) Ask(request []byte) (texts []string, ended bool) {
	ended = p.news.text(p.client, request) != nil
	var all []byte
	for _, b := range p.client.out.Take() {
		all = append(all, b...)
	}
	for len(all) > 0 {
		_, payload, rest, ok := websocket.NextFrame(all)
		if !ok {
			panic("what was queued are not whole frames")
		}
		texts, all = append(texts, string(payload)), rest
	}
	return texts, ended
}

// Close is what happens when the connection has ended.
func (p *Petitioner) Close() { p.news.closed(p.client) }

// Defaults returns the options that the zero value means.
func Defaults() Options {
	o, err := Options{Logger: slog.Default()}.withDefaults()
	if err != nil {
		panic(err)
	}
	return o
}

// Leaving returns how many clients have been told to go and are still there.
func (sv *Server) Leaving() (n int) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	for c := range sv.clients {
		c.mu.Lock()
		if c.over {
			n++
		}
		c.mu.Unlock()
	}
	return n
}
