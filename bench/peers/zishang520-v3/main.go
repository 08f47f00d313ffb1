// The peer zishang520/socket.io servers/socket/v3 v3.0.2, with its defaults, doing what Crier's handlers do.
package main

import (
	"log"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	socket "github.com/zishang520/socket.io/servers/socket/v3"
)

const room = socket.Room("speakers")

var registered atomic.Int64

func main() {
	io := socket.NewServer(nil, nil)
	if err := io.On("connection", func(args ...any) { welcome(io, args[0].(*socket.Socket)) }); err != nil {
		log.Fatal(err)
	}
	http.Handle("/socket.io/", io.ServeHandler(nil))
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), nil))
}

func welcome(io *socket.Server, s *socket.Socket) {
	var name atomic.Value // events of one socket may overlap
	_ = s.On("f", func(args ...any) {
		if name.Swap(args[0]) == nil {
			registered.Add(1)
		}
		s.Join(room)
		answer(args, map[string]any{"name": args[0], "id": s.Id(), "count": registered.Load()})
	})
	_ = s.On("message", func(args ...any) {
		at := time.Now().UnixMilli()
		answer(args, map[string]any{"at": at})
		_ = io.To(room).Emit("news", args[0], map[string]any{"from": name.Load(), "id": s.Id(), "at": at})
	})
	_ = s.On("disconnect", func(...any) {
		if name.Load() != nil {
			registered.Add(-1)
		}
	})
}

// answer calls the ack, if the client has asked for one: it is the last argument then.
func answer(args []any, with any) {
	if ack, ok := args[len(args)-1].(socket.Ack); ok {
		ack([]any{with}, nil)
	}
}
