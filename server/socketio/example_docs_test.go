package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

// These are the samples of docs/go.md and README.md: a test sees to it that they stand here.

func Example_server() {
	io, err := socketio.New(socketio.Options{
		Client: os.DirFS("node_modules/socket.io-client/dist"), // serves /socket.io/socket.io.js; leave it out if pages have their own
	})
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		s.On("f", func(e *socketio.Event) error {
			var name string
			if err := e.Bind(&name); err != nil {
				return err // the client's acknowledgement gets it
			}
			s.SetData(name)
			s.Join("speakers")
			return e.Ack("welcome", name)
		})
		s.On("message", func(e *socketio.Event) error {
			return io.To("speakers").Emit("news", e.Arg(0), s.Data()) // e.Arg(0) is passed on unread
		})
	})
	http.Handle("/socket.io/", io)
	log.Fatal(http.ListenAndServe(":3000", nil))
}

func Example_readme() {
	io, err := socketio.New(socketio.Options{}) // Recovery: {Disabled: true} if events shall not end with one more argument, their offset
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		s.On("f", func(e *socketio.Event) error {
			var name string
			if err := e.Bind(&name); err != nil {
				return err // the client's acknowledgement gets it
			}
			s.Join("speakers")
			return e.Ack("welcome", name)
		})
		s.On("message", func(e *socketio.Event) error {
			return io.To("speakers").Emit("news", e.Arg(0)) // passed on unread
		})
	})
	http.Handle("/socket.io/", io)
	log.Fatal(http.ListenAndServe(":3000", nil))
}

func Example_options() {
	io, err := socketio.New(socketio.Options{
		Engine: engineio.Options{
			AllowedOrigins: []string{"https://example.org"}, // pages of other hosts, which are refused otherwise
			PingInterval:   20 * time.Second,
			Allow: func(r *http.Request) error {
				if r.URL.Query().Get("version") == "1" {
					return errors.New("please update")
				}
				return nil
			},
			InitialHeaders: func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "node=a; HttpOnly") },
			ConnectionError: func(e *engineio.ConnectionError) {
				if e.Code == engineio.CodeForbidden {
					log.Println("refused:", e.Request.RemoteAddr, e.Message)
				}
			},
		},
		Recovery: socketio.Recovery{Disabled: true}, // no offset behind the arguments of events
	})
	_, _ = io, err
}

func ExampleSocket_BindAuth() {
	io := newServer()
	io.Use(func(s *socketio.Socket) error {
		var auth struct {
			Token string `json:"token"`
		}
		if err := s.BindAuth(&auth); err != nil {
			return err // "auth has a wrong member: token must be a string, not a number"
		}
		if auth.Token != "secret" {
			return &socketio.Error{Message: "who are you?", Data: map[string]string{"code": "token_invalid"}}
		}
		s.SetData("Ann")
		return s.Join("users")
	})
	io.OnConnect(func(s *socketio.Socket) {
		s.On("who", func(e *socketio.Event) error { return e.Ack(s.Data()) })
	})

	talk(io, `0{"token":5}`, `0{"token":"secret"}`, `20["who"]`)
	// Output:
	// 4{"message":"auth has a wrong member: token must be a string, not a number"}
	// 0{"sid":"..."}
	// 30["Ann"]
}

func ExampleBroadcast_FetchSockets() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.SetData(map[string]string{"name": "Ann"})
		s.Join("news")
		s.On("who is there?", func(e *socketio.Event) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			all, err := io.In("news").FetchSockets(ctx)
			if err != nil {
				return err
			}
			for _, r := range all {
				var user struct{ Name string }
				if err := r.BindData(&user); err != nil {
					return err
				}
				fmt.Println(user.Name, "is in", r.Rooms()[1:])
			}
			return e.Ack(len(all), io.Rooms())
		})
		s.On("close the room", func(*socketio.Event) error {
			if err := io.In("news").SocketsJoin("old news"); err != nil {
				return err
			}
			io.In("news").SocketsLeave("news")
			return io.To("old news").Emit("moved")
		})
	})

	talk(io, `20["who is there?"]`, `2["close the room"]`)
	// Output:
	// Ann is in [news]
	// 30[1,{"news":1}]
	// 2["moved"]
}

func ExampleBroadcast_EmitWithAck() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.Join("voters")
		s.On("vote", func(*socketio.Event) error {
			go poll(io) // ends with its deadline: this handler would wait for its own client's answer as well
			return nil
		})
	})

	talk(io, `2["vote"]`, "31[\"yes\"]")
	// Output:
	// 21["yes or no?"]
	// 2["result",1,0]
}

func poll(io *socketio.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answers, err := io.To("voters").EmitWithAck(ctx, "yes or no?")
	var missing *socketio.MissingAcksError
	if err != nil && !errors.As(err, &missing) {
		log.Print(err)
		return
	}
	yes := 0
	for _, a := range answers {
		var vote string
		if a.Bind(&vote) == nil && vote == "yes" {
			yes++ // a.Socket says whose vote it is
		}
	}
	silent := 0
	if missing != nil {
		silent = missing.Missing // and missing.Sockets are their ids
	}
	_ = io.Emit("result", yes, silent)
}

func ExampleServer_OnNewNamespace() {
	io := newServer()
	defer io.Close(context.Background())
	io.OnNewNamespace(func(ns *socketio.Namespace) {
		ns.OnCreateRoom(func(room string) { fmt.Println(ns.Name(), "has the room", room) })
		ns.OnDeleteRoom(func(room string) { fmt.Println(ns.Name(), "has the room", room, "no more") })
		ns.OnAnyOutgoing(func(e *socketio.OutgoingEvent) { fmt.Println(ns.Name(), "says", e.Name, e.Args) })
	})
	games := io.OfPattern(regexp.MustCompile("^/game-[0-9]+$"))
	games.OnConnect(func(s *socketio.Socket) {
		if s.Protocol() == 3 {
			s.Disconnect(false)
		}
	})
	chess := io.Of("/chess")
	chess.OnAnyOutgoing(func(e *socketio.OutgoingEvent) {
		if e.Socket == nil {
			fmt.Println(e.To.Len(), "hear it")
		}
	})
	_ = chess.Emit("start") // nobody is there, so nobody is told
	for _, ns := range io.Namespaces() {
		fmt.Println(ns.Name())
	}
	// Output:
	// /
	// /chess
}

func ExampleSocket_Once() {
	io := newServer()
	io.OnConnect(func(s *socketio.Socket) {
		s.OnAny(func(e *socketio.Event) error { fmt.Println("in:", e.Name()); return nil })
		s.OnAnyOutgoing(func(event string, args []any) { fmt.Println("out:", event, args) })
		s.Once("hello", func(*socketio.Event) error { return s.Emit("pleased to meet you") })
		s.On("hello", func(*socketio.Event) error { return s.Emit("hello") })
		s.On("enough", func(e *socketio.Event) error { s.Off("hello"); return e.Ack() })
	})

	talk(io, `2["hello"]`, ``, `2["hello"]`, `21["enough"]`)
	// Output:
	// in: hello
	// out: hello []
	// out: pleased to meet you []
	// 2["hello"]
	// 2["pleased to meet you"]
	// in: hello
	// out: hello []
	// 2["hello"]
	// in: enough
	// 31[]
}

func ExampleConn() {
	io := newServer()
	io.OnUpgrade(func(c *socketio.Conn) { log.Print(c.PublicID(), " is on ", c.Transport(), " now") })
	io.OnConnect(func(s *socketio.Socket) {
		c := s.Conn()
		c.SetData(time.Now()) // kept for all namespaces of the client, as long as this connection
		s.On("token expired", func(*socketio.Event) error {
			c.Close() // the client comes back by itself, with a new auth
			return nil
		})
	})

	talk(io, `2["token expired"]`)
}
