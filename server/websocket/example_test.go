package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/crier/crier/server/websocket"
	"github.com/gobwas/ws"
)

// echo sends each message back to where it came from.
type echo struct{ conn *websocket.Conn }

func (e echo) Message(binary bool, data []byte) error {
	op := websocket.OpText
	if binary {
		op = websocket.OpBinary
	}
	return e.send(websocket.AppendFrame(nil, op, data))
}

func (e echo) Ping(data []byte) { e.send(websocket.AppendFrame(nil, websocket.OpPong, data)) }
func (e echo) Pong([]byte)      {}

func (e echo) send(frame []byte) error {
	_, err := e.conn.Write([][]byte{frame}, time.Now().Add(10*time.Second))
	return err
}

// A whole server: it echoes, and closes as the protocol wants it. Each connection has one goroutine here, which is its
// reader and its only writer.
func ExampleUpgrade() {
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		// A page of another origin may not connect: browsers send Origin, and leave the decision to the server.
		if origin := r.Header.Get("Origin"); origin != "" && origin != "https://example.org" {
			http.Error(w, "foreign origin", http.StatusForbidden)
			return
		}
		conn, err := websocket.Upgrade(w, r, websocket.UpgradeOptions{Limits: websocket.ReadLimits{MaxMessage: 64 << 10}})
		if err != nil {
			return // the client has its answer
		}
		go func() {
			e := echo{conn}
			err := conn.Read(e)
			if violation, ok := errors.AsType[*websocket.ProtocolError](err); ok {
				e.send(websocket.AppendClose(nil, violation.Code, violation.Message))
				conn.Shutdown(time.Second)
			}
			if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
				e.send(websocket.AppendClose(nil, closed.Code, ""))
			}
			conn.Close()
		}()
	})
}

// printer prints what it is given.
type printer struct{}

func (printer) Message(binary bool, data []byte) error { fmt.Printf("message %q\n", data); return nil }
func (printer) Ping(data []byte)                       { fmt.Printf("ping %q\n", data) }
func (printer) Pong([]byte)                            {}

func ExampleConn_Read() {
	server, client := net.Pipe()
	conn := websocket.NewConn(server, websocket.UpgradeOptions{})
	go func() {
		ws.WriteFrame(client, ws.MaskFrame(ws.NewTextFrame([]byte("hello"))))
		ws.WriteFrame(client, ws.MaskFrame(ws.NewPingFrame([]byte("there?"))))
		ws.WriteFrame(client, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, "leaving"))))
	}()
	fmt.Println(conn.Read(printer{}))
	conn.Close()
	// Output:
	// message "hello"
	// ping "there?"
	// websocket: closed by the peer: 1001 (going away): "leaving"
}

// A frame is built once and sent to many.
func ExampleAppendFrame() {
	frame := websocket.AppendFrame(nil, websocket.OpText, []byte("hello"))
	fmt.Printf("% x\n", frame)
	// Output: 81 05 68 65 6c 6c 6f
}

func ExampleAppendCompressed() {
	message := bytes.Repeat([]byte("hello "), 100)
	fmt.Println(len(message), "bytes become", len(websocket.AppendCompressed(nil, websocket.OpText, message)))
	// Output: 600 bytes become 32
}

// A client that is on long-polling gets the same frames in another form.
func ExampleNextFrame() {
	queued := websocket.AppendFrame(nil, websocket.OpText, []byte("one"))
	queued = websocket.AppendFrame(queued, websocket.OpText, []byte("two"))
	for {
		_, payload, rest, ok := websocket.NextFrame(queued)
		if !ok {
			break
		}
		fmt.Printf("%s\n", payload)
		queued = rest
	}
	// Output:
	// one
	// two
}
