// The peer gws: github.com/lxzan/gws's broadcaster, without a protocol.
package main

import (
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/lxzan/gws"

	"github.com/crier/crier/bench/peers/floor"
)

// A room is the connections, with whether they are registered.
type room struct {
	gws.BuiltinEventHandler
	mu      sync.Mutex // guards the following
	members map[*gws.Conn]bool
}

func main() {
	r := &room{members: make(map[*gws.Conn]bool)}
	upgrader := gws.NewUpgrader(r, &gws.ServerOption{})
	go r.beat()
	http.HandleFunc("/socket.io/", func(w http.ResponseWriter, request *http.Request) {
		conn, err := upgrader.Upgrade(w, request)
		if err != nil {
			return
		}
		go conn.ReadLoop() // ends with the connection
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), nil))
}

// OnOpen implements gws.Event.
func (r *room) OnOpen(c *gws.Conn) {
	r.mu.Lock()
	r.members[c] = false
	r.mu.Unlock()
	_ = c.WriteMessage(gws.OpcodeText, floor.Open)
}

// OnClose implements gws.Event.
func (r *room) OnClose(c *gws.Conn, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, c)
}

// OnMessage implements gws.Event.
func (r *room) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	reply := floor.Handle(m.Bytes())
	if reply.Joins {
		r.mu.Lock()
		r.members[c] = true
		r.mu.Unlock()
	}
	if reply.Answer != nil {
		_ = c.WriteMessage(gws.OpcodeText, reply.Answer)
	}
	if reply.News != nil {
		r.broadcast(reply.News)
	}
}

func (r *room) broadcast(news []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, news)
	defer b.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, registered := range r.members {
		if registered {
			_ = b.Broadcast(c)
		}
	}
}

// beat pings everybody.
func (r *room) beat() {
	for range time.Tick(floor.PingInterval) {
		b := gws.NewBroadcaster(gws.OpcodeText, floor.Ping)
		r.mu.Lock()
		for c := range r.members {
			_ = b.Broadcast(c)
		}
		r.mu.Unlock()
		_ = b.Close()
	}
}
