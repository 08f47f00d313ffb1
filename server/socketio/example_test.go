package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/socketio"
)

// In these examples talk is the client: it connects, sends packets as they stand on the wire, and prints what
// comes back. A page would use socket.io.js: socket.emit("f", "Ann", console.log).

func Example() {
	io, err := socketio.New(socketio.Options{})
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		s.On("f", func(e *socketio.Event) error {
			var name string
			if err := e.Bind(&name); err != nil {
				return err
			}
			s.SetData(name)
			s.Join("speakers")
			return e.Ack("welcome, " + name)
		})
		s.On("message", func(e *socketio.Event) error {
			return io.To("speakers").Emit("news", e.Arg(0), s.Data())
		})
	})

	http.Handle("/socket.io/", io) // and http.ListenAndServe(":3000", nil)

	talk(io, `20["f","Ann"]`, `2["message",{"text":"hello"}]`)
	// Output:
	// 30["welcome, Ann"]
	// 2["news",{"text":"hello"},"Ann"]
}

// What a handler returns is the client's answer, if it asked for one; a panic or another error does not tell it more
// than that there was one.
func ExampleSocket_On() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.On("transfer", func(e *socketio.Event) error {
			var amount int
			if err := e.Bind(&amount); err != nil {
				return err
			}
			if amount > 100 {
				return &socketio.Error{Code: "too_much", Message: "that is too much", Data: map[string]int{"most": 100}}
			}
			if amount < 0 {
				return errors.New("database of node 7: constraint violated")
			}
			return e.Ack(amount)
		})
	})

	talk(io, `20["transfer",5]`, `21["transfer",500]`, `22["transfer","all"]`, `23["transfer",-1]`)
	// Output:
	// 30[5]
	// 31[{"error":{"code":"too_much","message":"that is too much","data":{"most":100}}}]
	// 32[{"error":{"code":"bad_argument","message":"argument 1 must be a whole number, not a string"}}]
	// 33[{"error":{"code":"internal","message":"internal error"}}]
}

// A socket's own middleware sees each of its events before the handlers do.
func ExampleSocket_Use() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		left := 2
		s.Use(func(e *socketio.Event) error {
			if left == 0 {
				return &socketio.Error{Code: "rate", Message: "slow down"}
			}
			left--
			return nil
		})
		s.On("say", func(e *socketio.Event) error { return e.Ack("said") })
	})

	talk(io, `20["say"]`, `21["say"]`, `22["say"]`)
	// Output:
	// 30["said"]
	// 31["said"]
	// 32[{"error":{"code":"rate","message":"slow down"}}]
}

// The server may ask too, within a handler if it likes. The context says how long it waits.
func ExampleSocket_EmitWithAck() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.On("delete", func(e *socketio.Event) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			answer, err := s.EmitWithAck(ctx, "are you sure?")
			if err != nil {
				return err
			}
			var sure bool
			if err := answer.Bind(&sure); err != nil {
				return err
			}
			return e.Ack(map[string]bool{"deleted": sure})
		})
	})

	talk(io, `27["delete"]`, `31[true]`)
	// Output:
	// 21["are you sure?"]
	// 37[{"deleted":true}]
}

// A broadcast is a value: rooms and exceptions are added to it one by one.
func ExampleBroadcast() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.Join("news", "sports")
		s.On("go", func(*socketio.Event) error {
			_ = io.Emit("a", "to everybody")
			_ = io.To("news", "sports").Emit("b", "to both rooms, once")
			_ = io.To("news").Except("sports").Emit("c", "not to this one")
			_ = s.To("news").Emit("d", "to the others in the room")
			_ = io.To(s.ID()).Emit("e", "to one socket")
			_ = io.Volatile().Emit("f", "to those that it reaches at once")
			io.To("sports").DisconnectSockets(true)
			return nil
		})
	})

	talk(io, `2["go"]`, ``, ``, ``, ``)
	// Output:
	// 2["a","to everybody"]
	// 2["b","to both rooms, once"]
	// 2["e","to one socket"]
	// 2["f","to those that it reaches at once"]
	// 1
}

// Everybody is asked; the error tells how many did not answer in time.
func ExampleNamespace_EmitWithAck() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.On("versions", func(e *socketio.Event) error {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			answers, err := io.EmitWithAck(ctx, "version?")
			var missing *socketio.MissingAcksError
			if err != nil && !errors.As(err, &missing) {
				return err
			}
			for _, answer := range answers {
				fmt.Printf("%s\n", answer.Args[0].JSON())
			}
			return e.Ack(len(answers), missing == nil)
		})
	})

	talk(io, `20["versions"]`, `31["4.8.4"]`)
	// Output:
	// 21["version?"]
	// "4.8.4"
	// 30[1,true]
}

// Binary values, wherever they are, travel as bytes. What a handler passes on unread is not even decoded.
func ExampleBinary() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.On("picture", func(e *socketio.Event) error {
			var p struct {
				Name string
				Data socketio.Binary
			}
			if err := e.Bind(&p); err != nil {
				return err
			}
			return e.Ack(len(p.Data), map[string]any{"thumbnail": socketio.Binary(p.Data[:1])}, e.Arg(0))
		})
	})

	talk(io, `51-0["picture",{"name":"a.png","data":{"_placeholder":true,"num":0}}]`+"\n"+"PNG...")
	// Output:
	// 62-0[6,{"thumbnail":{"_placeholder":true,"num":0}},{"name":"a.png","data":{"_placeholder":true,"num":1}}]
	// "P"
	// "PNG..."
}

// A namespace's middleware decides who is let in. The client's auth option is the handshake's Auth.
func ExampleNamespace_Use() {
	io := newServer()
	admin := io.Of("/admin")
	admin.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if json.Unmarshal(s.Handshake().Auth, &auth) != nil || auth.Token != "secret" {
			return &socketio.Error{Message: "who are you?", Data: map[string]string{"help": "/login"}}
		}
		s.SetData("root")
		return nil
	})
	admin.OnConnect(func(s *socketio.Socket) { _ = s.Emit("hello", s.Data()) })

	talk(io, `0/admin,{"token":"guess"}`)
	// Output:
	// 4/admin,{"message":"who are you?","data":{"help":"/login"}}
}

// Namespaces whose names are not known beforehand are made when a client asks for them, and forgotten when they
// are empty.
func ExampleServer_OfPattern() {
	io := newServer()
	rooms := io.OfPattern(regexp.MustCompile(`^/room-[0-9]+$`))
	rooms.OnConnect(func(s *socketio.Socket) {
		s.On("where", func(e *socketio.Event) error { return e.Ack(s.Namespace().Name()) })
	})

	talk(io, `0/room-7,`, `2/room-7,0["where"]`, `0/cellar,`)
	// Output:
	// 0/room-7,{"sid":"..."}
	// 3/room-7,0["/room-7"]
	// 4/cellar,{"message":"Invalid namespace"}
}

// OnDisconnecting still sees the rooms; OnDisconnect comes last of all that happens with a socket.
func ExampleSocket_OnDisconnecting() {
	io := newServer()
	ends := make(chan string, 2)
	io.OnConnect(func(s *socketio.Socket) {
		s.Join("speakers")
		s.OnDisconnecting(func(socketio.Reason) {
			for _, room := range s.Rooms()[1:] { // the first is its own id
				ends <- "leaves " + room
			}
		})
		s.OnDisconnect(func(reason socketio.Reason) {
			ends <- fmt.Sprintf("%s; comes back by itself: %v", reason, reason.Reconnects())
		})
		s.On("bye", func(e *socketio.Event) error { s.Disconnect(true); return nil })
	})

	talk(io, `2["bye"]`)
	fmt.Println(<-ends)
	fmt.Println(<-ends)
	// Output:
	// 1
	// leaves speakers
	// server namespace disconnect; comes back by itself: false
}

// Close tells the clients, lets what is queued go out and waits for the handlers; http.Server.Shutdown knows
// nothing of WebSockets. Clients come back by themselves, to another node or to the next process.
func ExampleServer_Close() {
	io := newServer()
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	web := &http.Server{Addr: "localhost:3000", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := io.Close(ctx); err != nil {
		log.Print("some sessions were cut off: ", err)
	}
	_ = web.Shutdown(ctx)
}

// Counters and the like need no lock of their own when they belong to one socket: its handlers run one at a time.
// What sockets share does.
func ExampleSocket_SetData() {
	io := newServer()
	var total atomic.Int64
	io.OnConnect(func(s *socketio.Socket) {
		s.SetData(0)
		s.On("count", func(e *socketio.Event) error {
			n := s.Data().(int) + 1
			s.SetData(n)
			return e.Ack(n, total.Add(1))
		})
	})

	talk(io, `20["count"]`, `21["count"]`)
	// Output:
	// 30[1,1]
	// 31[2,2]
}

func newServer() *socketio.Server {
	io, err := socketio.New(socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return io
}

// hidden keeps ids and offsets, which are random, out of what is printed.
func hidden(text string) string {
	if i := strings.Index(text, `{"sid":"`); i >= 0 {
		return text[:i] + `{"sid":"..."}`
	}
	text, _ = cutOffset(text)
	return text
}

// What belongs to a client is kept with SetData and in rooms, and is there again when the client is.
func ExampleSocket_Recovered() {
	io, err := socketio.New(socketio.Options{
		Recovery: socketio.Recovery{MaxAge: 5 * time.Minute, MaxBytes: 64 << 20},
	})
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		s.On("enter", func(e *socketio.Event) error {
			var name string
			if err := e.Bind(&name); err != nil {
				return err
			}
			s.SetData(name)
			s.Join("guests")
			return e.Ack("welcome, " + name)
		})
		if s.Recovered() {
			log.Println(s.Data(), "is back, and hears what it has missed")
		}
	})

	talk(io, `20["enter","Ann"]`)
	// Output:
	// 30["welcome, Ann"]
}
