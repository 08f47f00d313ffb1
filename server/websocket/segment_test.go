package websocket

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestFramesInTheRequestsSegmentAreNotLost(t *testing.T) {
	conns := make(chan *Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := Upgrade(w, r, UpgradeOptions{})
		conns <- conn
	}))
	defer server.Close()
	for name, tt := range map[string]struct {
		early  string
		events []string
		code   CloseCode
	}{
		"whole frames": {string(join(text("one"), text("two"), clientFrame(true, 0, OpClose, "\x03\xe8"))), []string{`text "one"`, `text "two"`}, 0},
		"garbage":      {"\xff\xff\xff\xff garbage \r\n\r\n", nil, CloseProtocolError},
		"rsv bits":     {string(clientFrame(true, 3, OpText, "2probe")), nil, CloseProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			io.WriteString(client, handshakeRequest()+tt.early)
			w := &wire{conn: <-conns}
			defer w.conn.Close()
			var r recorder
			err = result(t, w.read(&r))
			if _, closed := errors.AsType[*CloseError](err); codeOf(err) != tt.code || closed != (tt.code == 0) {
				t.Errorf("Read returned %v", err)
			}
			r.expect(t, tt.events...)
		})
	}
}

func TestAFrameCutByTheEndOfTheSegmentGoesOn(t *testing.T) {
	frame := text("in two halves")
	conns := make(chan *Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := Upgrade(w, r, UpgradeOptions{})
		conns <- conn
	}))
	defer server.Close()
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, handshakeRequest()+string(frame[:9]))
	w := &wire{conn: <-conns, client: client}
	defer w.conn.Close()
	var r recorder
	done := w.read(&r)
	w.send(t, frame[9:], clientFrame(true, 0, OpClose, ""))
	result(t, done)
	r.expect(t, `text "in two halves"`)
}
