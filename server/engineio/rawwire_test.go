package engineio_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// A wire is the client's end of a WebSocket.
type wire struct {
	version  int
	conn     net.Conn
	in       *bufio.Reader
	inflates bool // the handshake agreed on permessage-deflate
}

// A closeError is how reading ends when the server has sent a close frame.
type closeError struct {
	code   int
	reason string
}

func (e closeError) Error() string { return fmt.Sprintf("close frame: %d %q", e.code, e.reason) }

// handshake asks for a WebSocket and returns the answer, whatever it is.
func (c *client) handshake() (*wire, *http.Response, error) {
	conn, err := c.house.line.Dial(patient(c.t))
	if err != nil {
		return nil, nil, err
	}
	c.t.Cleanup(func() { conn.Close() })
	r, err := http.NewRequest("GET", c.address("websocket"), nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header = c.header.Clone()
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	conn.SetDeadline(time.Now().Add(patience))
	if err := r.Write(conn); err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, nil, err
	}
	conn.SetDeadline(time.Time{})
	return &wire{c.version, conn, in, res.Header.Get("Sec-WebSocket-Extensions") != ""}, res, nil
}

// open returns a WebSocket that is not yet in use.
func (c *client) open() *wire {
	c.t.Helper()
	w, res, err := c.handshake()
	if err != nil {
		c.t.Fatal("handshake:", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(res.Body)
		c.t.Fatalf("handshake: status %d: %s", res.StatusCode, body)
	}
	return w
}

// openWhenPossible opens a WebSocket as soon as the server has noticed what became of the last one.
func (c *client) openWhenPossible(p *peer) *wire {
	c.t.Helper()
	waitFor(c.t, "another upgrade possible", func() bool { return !p.Probed() })
	return c.open()
}

// dial puts a WebSocket into use.
func (c *client) dial() {
	c.t.Helper()
	c.ws = c.open()
}

// probe opens a WebSocket and has the server say that it works.
func (c *client) probe() *wire {
	c.t.Helper()
	w := c.open()
	if err := w.write(packet{kind: '2', data: "probe"}); err != nil {
		c.t.Fatal("probe:", err)
	}
	if p, err := w.read(); err != nil || p.kind != '3' || p.data != "probe" {
		c.t.Fatalf("the probe was answered with %+v, %v", p, err)
	}
	return w
}

// upgrade moves the session from long-polling to WebSocket. No poll is waiting.
func (c *client) upgrade() {
	c.t.Helper()
	w := c.probe()
	if err := w.write(packet{kind: '5'}); err != nil {
		c.t.Fatal("upgrade:", err)
	}
	c.ws = w
}

// write sends packets, each in a frame of its own.
func (w *wire) write(all ...packet) error {
	var out bytes.Buffer
	for _, p := range all {
		op, payload := ws.OpText, string(p.kind)+p.data
		if p.binary {
			op, payload = ws.OpBinary, p.data
		}
		if p.binary && w.version == 3 {
			payload = string(p.kind-'0') + p.data
		}
		out.Write(maskedFrame(op, payload))
	}
	return w.writeRaw(out.Bytes())
}

func maskedFrame(op ws.OpCode, payload string) []byte {
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewFrame(op, true, []byte(payload)), [4]byte{1, 2, 3, 4}))
}

func (w *wire) writeRaw(b []byte) error {
	w.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := w.conn.Write(b)
	return err
}

// sayClose sends a close frame.
func (w *wire) sayClose(code int, reason string) error {
	return w.writeRaw(maskedFrame(ws.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason))
}

// read returns the server's next packet. A close frame is a closeError.
func (w *wire) read() (packet, error) {
	w.conn.SetReadDeadline(time.Now().Add(patience))
	var f ws.Frame
	var err error
	if f.Header, err = ws.ReadHeader(w.in); err != nil {
		return packet{}, err
	}
	f.Payload = make([]byte, f.Header.Length)
	if _, err := io.ReadFull(w.in, f.Payload); err != nil {
		return packet{}, err
	}
	switch {
	case f.Header.Fin && !f.Header.Masked && f.Header.Rsv == ws.Rsv(true, false, false) && w.inflates:
		inflater := flate.NewReader(io.MultiReader(bytes.NewReader(f.Payload), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
		if f.Payload, err = io.ReadAll(inflater); err != nil {
			return packet{}, err
		}
	case !f.Header.Fin || f.Header.Masked || f.Header.Rsv != 0:
		return packet{}, fmt.Errorf("a frame no server should send: %+v", f.Header)
	}
	switch payload := string(f.Payload); f.Header.OpCode {
	case ws.OpText:
		return decodePacket(w.version, payload)
	case ws.OpBinary:
		if w.version == 3 {
			return packet{'0' + payload[0], true, payload[1:]}, nil
		}
		return packet{'4', true, payload}, nil
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(f.Payload)
		return packet{}, closeError{int(code), strings.Clone(reason)}
	}
	return packet{}, fmt.Errorf("an unexpected frame: %+v", f.Header)
}

// expectHangup reads until the server closes the connection, in good order or not. The error says that it does not.
func (w *wire) expectHangup() error {
	w.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, w.in); errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}
