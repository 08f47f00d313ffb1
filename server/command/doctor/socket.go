package doctor

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gobwas/ws"
)

// A socket is a WebSocket that carries one session. It is used by one goroutine at a time.
type socket struct {
	conn   net.Conn
	in     *bufio.Reader
	bounds *io.LimitedReader // under in: what may still be read
	p      *probe
}

// dialWebSocket opens a WebSocket. The error is a *refusedError if the answer is not 101.
func (p *probe) dialWebSocket(ctx context.Context, version int, sid string, header http.Header) (*socket, error) {
	query := url.Values{"EIO": {strconv.Itoa(version)}, "transport": {"websocket"}}
	if sid != "" {
		query.Set("sid", sid)
	}
	r, err := p.newRequest(ctx, request{query: query, header: header})
	if err != nil {
		return nil, err
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Sec-Websocket-Version", "13")
	r.Header.Set("Sec-Websocket-Key", base64.StdEncoding.EncodeToString(key[:]))
	dial := p.dial
	if r.URL.Scheme == "https" {
		dial = p.dialTLS
	}
	conn, err := dial(ctx, false)
	if err != nil {
		return nil, p.plainError(ctx, err, "no connection within")
	}
	bounds := &io.LimitedReader{R: conn, N: mostHeader + mostBody}
	k := &socket{conn: conn, in: bufio.NewReader(bounds), bounds: bounds, p: p}
	if err := k.shake(ctx, r); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return k, nil
}

// shake sends the request and reads the answer.
func (k *socket) shake(ctx context.Context, r *http.Request) error {
	defer k.until(ctx)()
	began := time.Now()
	if err := r.Write(k.conn); err != nil {
		return k.p.plainError(ctx, err, "the request could not be sent within")
	}
	response, err := http.ReadResponse(k.in, r)
	if err != nil && k.bounds.N <= 0 {
		return fmt.Errorf("the answer has more than %d KiB", (mostHeader+mostBody)>>10)
	}
	if err != nil {
		return k.p.plainError(ctx, err, "no answer came within")
	}
	a := &answer{status: response.StatusCode, header: response.Header, began: began}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	a.body, _ = io.ReadAll(response.Body) // what came of it is enough
	return &refusedError{a}
}

// until lets reads and writes end with ctx. It returns what lifts that.
func (k *socket) until(ctx context.Context) (lift func() bool) {
	return context.AfterFunc(ctx, func() { _ = k.conn.SetDeadline(time.Unix(1, 0)) })
}

// send writes a packet as a text frame.
func (k *socket) send(ctx context.Context, packet string) error {
	return k.write(ctx, ws.NewTextFrame([]byte(packet)))
}

func (k *socket) write(ctx context.Context, f ws.Frame) error {
	defer k.until(ctx)()
	if err := ws.WriteFrame(k.conn, ws.MaskFrameInPlace(f)); err != nil {
		return k.p.plainError(ctx, err, "nothing could be sent within")
	}
	return nil
}

// A closedError says that the other side closed the WebSocket in order.
type closedError struct {
	code   ws.StatusCode
	reason string
}

func (e *closedError) Error() string {
	return printable(fmt.Sprintf("the WebSocket was closed with code %d %s", e.code, e.reason))
}

var errFrame = errors.New("what came is not a WebSocket frame of Engine.IO")

// receive reads one packet. Control frames before it are answered.
func (k *socket) receive(ctx context.Context) ([]string, error) {
	defer k.until(ctx)()
	for range mostUnasked {
		k.bounds.N = mostBody
		h, err := ws.ReadHeader(k.in)
		if err != nil {
			return nil, k.p.plainError(ctx, err, "nothing came within")
		}
		if h.Length > mostBody/2 || !h.Fin || h.Masked || h.Rsv != 0 {
			return nil, errFrame
		}
		data := make([]byte, h.Length)
		if _, err := io.ReadFull(k.in, data); err != nil {
			return nil, k.p.plainError(ctx, err, "a frame did not come whole within")
		}
		switch h.OpCode {
		case ws.OpText:
			return []string{string(data)}, nil
		case ws.OpClose:
			code, reason := ws.ParseCloseFrameData(data)
			return nil, &closedError{code, reason}
		case ws.OpPing:
			if err := k.write(ctx, ws.NewPongFrame(data)); err != nil {
				return nil, err
			}
		case ws.OpPong:
		default:
			return nil, errFrame
		}
	}
	return nil, errUnasked
}

// openSocket opens a session straight over a WebSocket.
func (p *probe) openSocket(ctx context.Context, version int, header http.Header) (*socket, handshake, error) {
	k, err := p.dialWebSocket(ctx, version, "", header)
	if err != nil {
		return nil, handshake{}, err
	}
	var open handshake
	packets, err := k.receive(ctx)
	if err == nil {
		open, err = parseOpen(packets[0])
	}
	if err != nil {
		k.leave()
		return nil, handshake{}, err
	}
	return k, open, nil
}

// leave closes the WebSocket in order, and does not wait.
func (k *socket) leave() {
	_ = k.conn.SetDeadline(time.Now().Add(leaveTimeout))
	_ = ws.WriteFrame(k.conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))))
	_ = k.conn.Close()
}
