package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// patience is how long a test waits for what must happen; reaching it is a failure. It is longer than a heartbeat
// takes to end a session whose poll was cut before the server had read it.
const patience = 90 * time.Second

// A guest is a client of the product over WebSocket, by the reference library. It keeps little: thousands may be there.
type guest struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	said int
}

// addr is where the server listens.
func (r *running) addr() string {
	_, addr, _ := strings.Cut(r.url, "://")
	return addr
}

// tryGuest connects, and registers unless name is empty.
func (r *running) tryGuest(name string) (*guest, error) { return r.tryGuestFrom("127.0.0.1", name) }

// from makes connections from an address of the loopback device, on which all of 127.0.0.0/8 can be had. Where only
// 127.0.0.1 can, as on macOS, the test is skipped.
func from(t testing.TB, ip string) *net.Dialer {
	local := &net.TCPAddr{IP: net.ParseIP(ip)}
	l, err := net.ListenTCP("tcp", local)
	if err != nil {
		t.Skipf("%s can't be had here: %v", ip, err)
	}
	l.Close()
	return &net.Dialer{LocalAddr: local, Timeout: patience}
}

// tryGuestFrom is tryGuest from an address of the loopback device. Each extra is a header line.
func (r *running) tryGuestFrom(ip, name string, extra ...string) (*guest, error) {
	g, _, err := r.connect(ip, "", extra...)
	if err == nil && name != "" {
		g.send(`421["f","` + name + `"]`)
		if err = g.await("431["); err != nil {
			g.conn.Close()
		}
	}
	return g, err
}

// connect connects a guest with an auth, and returns the server's answer to that.
func (r *running) connect(ip, auth string, extra ...string) (g *guest, answer string, err error) {
	header := http.Header{}
	for _, line := range extra {
		key, value, _ := strings.Cut(line, ": ")
		header.Add(key, value)
	}
	dialer := ws.Dialer{
		ReadBufferSize: 512, WriteBufferSize: 512, Timeout: patience, NetDial: from(r.t, ip).DialContext,
		Header: ws.HandshakeHeaderHTTP(header), TLSConfig: r.tls,
	}
	conn, in, _, err := dialer.Dial(context.Background(), "ws"+strings.TrimPrefix(r.url, "http")+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, "", err
	}
	if in == nil {
		in = bufio.NewReaderSize(conn, 512)
	}
	g = &guest{t: r.t, conn: conn, in: in}
	if err = g.await("0{"); err == nil {
		g.send("40" + auth)
		answer, err = g.awaitText("40{")
	}
	if err != nil {
		conn.Close()
	}
	return g, answer, err
}

// guest is a registered client; it hangs up when the test ends.
func (r *running) guest(name string) *guest {
	r.t.Helper()
	g, err := r.tryGuest(name)
	if err != nil {
		r.t.Fatal("a guest is not let in:", err)
	}
	r.t.Cleanup(func() { g.conn.Close() })
	return g
}

func (g *guest) send(text string) {
	g.conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = g.conn.Write(clientText(text)) // a lost connection shows in receive
}

func clientText(text string) []byte { return clientFrame(ws.NewTextFrame([]byte(text))) }

func clientFrame(f ws.Frame) []byte {
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{1, 2, 3, 4}))
}

// receive returns the next message, and answers heartbeats before it.
func (g *guest) receive() (string, error) {
	for {
		g.conn.SetReadDeadline(time.Now().Add(patience))
		h, err := ws.ReadHeader(g.in)
		if err != nil {
			return "", err
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(g.in, payload); err != nil {
			return "", err
		}
		switch {
		case h.OpCode == ws.OpClose:
			return "", fmt.Errorf("closed: %q", payload)
		case string(payload) == "2":
			g.send("3")
		default:
			return string(payload), nil
		}
	}
}

// await reads up to a message that begins with prefix.
func (g *guest) await(prefix string) error {
	_, err := g.awaitText(prefix)
	return err
}

// awaitText is await, and returns the message.
func (g *guest) awaitText(prefix string) (string, error) {
	for {
		text, err := g.receive()
		if err != nil {
			return "", fmt.Errorf("waiting for %s: %w", prefix, err)
		}
		if strings.HasPrefix(text, prefix) {
			return text, nil
		}
	}
}

// expectUnharmed checks that what the guest says is taken, and heard.
func (g *guest) expectUnharmed() {
	g.t.Helper()
	g.said++
	g.send(fmt.Sprintf(`42%d["message","still here %d"]`, g.said, g.said))
	for _, want := range []string{fmt.Sprintf("43%d[", g.said), fmt.Sprintf(`42["news","still here %d"`, g.said)} {
		if err := g.await(want); err != nil {
			g.t.Error("a bystander:", err)
			return
		}
	}
}
