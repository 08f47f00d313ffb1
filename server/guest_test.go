package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// patience is how long a test waits for what must happen; reaching it is a failure. It is longer than a heartbeat takes to end a session
// whose poll was cut before the server had read it.
const patience = 90 * time.Second

// A guest is a client of the product over WebSocket, by the reference library. It keeps little: thousands may be there.
type guest struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	said int
}

// addr is where the server listens.
func (r *running) addr() string { return strings.TrimPrefix(r.url, "http://") }

// tryGuest connects, and registers unless name is empty.
func (r *running) tryGuest(name string) (*guest, error) {
	dialer := ws.Dialer{ReadBufferSize: 512, WriteBufferSize: 512, Timeout: patience}
	conn, in, _, err := dialer.Dial(context.Background(), "ws://"+r.addr()+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, err
	}
	if in == nil {
		in = bufio.NewReaderSize(conn, 512)
	}
	g := &guest{t: r.t, conn: conn, in: in}
	steps := []string{"", "0{", "40", "40{"}
	if name != "" {
		steps = append(steps, `421["f","`+name+`"]`, "431[")
	}
	for i := 0; i < len(steps); i += 2 {
		if steps[i] != "" {
			g.send(steps[i])
		}
		if err := g.await(steps[i+1]); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return g, nil
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

func clientText(text string) []byte {
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewTextFrame([]byte(text)), [4]byte{1, 2, 3, 4}))
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
	for {
		text, err := g.receive()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", prefix, err)
		}
		if strings.HasPrefix(text, prefix) {
			return nil
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
