package plain_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/crier/crier/server/websocket"
)

// A client is the other end of a connection, by the reference library and not by the code under test.
type client struct {
	t      testing.TB
	conn   net.Conn
	in     *bufio.Reader
	answer *http.Response
}

// The key and accept value of the handshake that every test makes.
const (
	key    = "Iv8io/9s+lYFgZWcXczP8Q=="
	accept = "hsBlbuDTkk24srzEOTBUlZAlC2g="
)

// ask makes a handshake, with further header fields in pairs, and returns what came of it.
func (h *house) ask(path string, header ...string) *client {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	c := &client{t: h.t, conn: conn}
	if err := c.handshake(path, header); err != nil {
		h.t.Fatal("handshake:", err)
	}
	return c
}

func (c *client) handshake(path string, header []string) error {
	r, err := http.NewRequest("GET", "http://crier.example"+path, nil)
	if err != nil {
		return err
	}
	header = append([]string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", key}, header...)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c.conn.SetDeadline(time.Now().Add(patience))
	if err := r.Write(c.conn); err != nil {
		return err
	}
	c.in = bufio.NewReader(c.conn)
	c.answer, err = http.ReadResponse(c.in, r)
	return err
}

// join opens a WebSocket.
func (h *house) join(path string, header ...string) *client {
	h.t.Helper()
	c := h.ask(path, header...)
	if c.answer.StatusCode != http.StatusSwitchingProtocols {
		h.t.Fatalf("%s: the handshake was answered with %s", path, c.answer.Status)
	}
	return c
}

// frame builds a masked frame.
func frame(fin bool, op websocket.OpCode, payload string) []byte {
	f := ws.NewFrame(ws.OpCode(op), fin, []byte(payload))
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0xA1, 0x02, 0xF3, 0x44}))
}

func text(payload string) []byte { return frame(true, websocket.OpText, payload) }

func closing(code websocket.CloseCode, reason string) []byte {
	return frame(true, websocket.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func (c *client) write(frames ...[]byte) error {
	for _, f := range frames {
		c.conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := c.conn.Write(f); err != nil {
			return err
		}
	}
	return nil
}

// sends writes frames, and must be able to.
func (c *client) sends(frames ...[]byte) {
	c.t.Helper()
	if err := c.write(frames...); err != nil {
		c.t.Fatal("client cannot write:", err)
	}
}

// says writes texts.
func (c *client) says(texts ...string) {
	c.t.Helper()
	for _, s := range texts {
		c.sends(text(s))
	}
}

// next reads one frame.
func (c *client) next() (op websocket.OpCode, payload string, err error) {
	c.conn.SetReadDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return 0, "", err
	}
	if err := ws.CheckHeader(h, ws.StateClientSide); err != nil {
		return 0, "", err
	}
	b := make([]byte, h.Length)
	_, err = io.ReadFull(c.in, b)
	return websocket.OpCode(h.OpCode), string(b), err
}

// expect reads one frame and checks it.
func (c *client) expect(wantOp websocket.OpCode, want string) {
	c.t.Helper()
	op, payload, err := c.next()
	if err != nil {
		c.t.Fatalf("want %x %.100q: %v", wantOp, want, err)
	}
	if op != wantOp || payload != want {
		c.t.Fatalf("got %x %.100q (%d bytes), want %x %.100q (%d bytes)", op, payload, len(payload), wantOp, want, len(want))
	}
}

// hears expects texts.
func (c *client) hears(texts ...string) {
	c.t.Helper()
	for _, s := range texts {
		c.expect(websocket.OpText, s)
	}
}

// A goodbye is a close frame.
type goodbye struct {
	code   websocket.CloseCode
	reason string
}

// read reads until the close frame, and returns the texts before it.
func (c *client) read() (texts []string, end goodbye, err error) {
	for {
		op, payload, err := c.next()
		switch {
		case err != nil:
			return texts, goodbye{}, err
		case op == websocket.OpText:
			texts = append(texts, payload)
		case op == websocket.OpClose && len(payload) == 0:
			return texts, goodbye{code: websocket.CloseNoStatus}, nil
		case op == websocket.OpClose:
			return texts, goodbye{websocket.CloseCode(binary.BigEndian.Uint16([]byte(payload))), payload[2:]}, nil
		}
	}
}

// isTold expects a close frame next.
func (c *client) isTold(code websocket.CloseCode, reason string) {
	c.t.Helper()
	texts, end, err := c.read()
	if err != nil {
		c.t.Fatal("no close frame:", err)
	}
	if len(texts) > 0 {
		c.t.Errorf("before its end the client heard %.200q", texts)
	}
	if want := (goodbye{code, reason}); end != want {
		c.t.Errorf("closed with %v, want %v", end, want)
	}
}

// isClosed expects a close frame next, answers it, and expects the connection to end with that.
func (c *client) isClosed(code websocket.CloseCode, reason string) {
	c.t.Helper()
	c.isTold(code, reason)
	began := time.Now()
	c.write(closing(code, "")) // fails if the server has hung up, as it does when the client's own close frame came first
	c.hangsUp()
	if took := time.Since(began); took > websocket.CloseGrace/2 {
		c.t.Errorf("the connection ended %v after the client's answer", took)
	}
}

// hangsUp expects the server to end the connection.
func (c *client) hangsUp() {
	c.t.Helper()
	op, payload, err := c.next()
	switch {
	case err == nil:
		c.t.Errorf("behind the close frame there was %x %.100q", op, payload)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.t.Error("the server has not ended the connection")
	}
}
