package attack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crier/crier/bench/load"
)

// attacker is the attacker's address. Innocent clients have others.
var attacker = net.IPv4(127, 0, 1, 1)

// bystander is the address of one of those who have said something before the attack.
func bystander(i int) net.IP { return net.IPv4(127, 0, 2, byte(1+i%200)) }

// patience is how long an attacker waits for an answer.
const patience = 5 * time.Second

var errRefused = errors.New("refused")

// dial connects from the attacker's address; the end of the assault closes the connection.
func (s *assault) dial() (net.Conn, error) { return s.dialFrom(attacker) }

func (s *assault) dialFrom(from net.IP) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience, Control: anyPort}
	conn, err := dialer.DialContext(s.ctx, "tcp", s.addr.String())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	return &closing{conn, stop}, nil
}

// anyPort has connect choose the port, so that one may be used for several destinations.
func anyPort(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
}

// closing forgets what was to close it.
type closing struct {
	net.Conn
	stop func() bool
}

func (c *closing) Close() error {
	c.stop()
	return c.Conn.Close()
}

// A caller is an HTTP connection with one request at a time. It connects when it must.
type caller struct {
	s    *assault
	conn net.Conn
	in   *bufio.Reader
}

func (c *caller) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// do asks, and returns the body of an answer 200. Headers are whole lines.
func (c *caller) do(method, path, headers, body string) (answer string, err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = c.s.dial(); err != nil {
			return "", err
		}
		c.in = bufio.NewReader(c.conn)
	}
	if method == http.MethodPost {
		headers += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	_ = c.conn.SetDeadline(earlier(c.s.deadline, time.Now().Add(patience)))
	c.s.asked.Add(1)
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, path, c.s.addr, headers, body)
	if _, err := io.WriteString(c.conn, request); err != nil {
		return "", err
	}
	return c.answer()
}

func (c *caller) answer() (string, error) {
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	switch {
	case err != nil:
		return "", err
	case res.StatusCode != http.StatusOK:
		return "", errRefused
	case res.Close:
		c.close()
	}
	return string(text), nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// A session is one on long-polling.
type session struct {
	caller
	path string
	form bool // JSONP: what is posted is a form
}

// poll opens a session, in the main namespace. query goes with each request.
func (s *assault) poll(query string) (*session, error) {
	p := &session{caller: caller{s: s}, form: strings.Contains(query, "&j=")}
	p.path = "/socket.io/?EIO=4&transport=polling" + query
	opening, err := p.get("")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(strings.ReplaceAll(opening, `\"`, `"`), `"sid":"`)
	sid, _, ok := strings.Cut(rest, `"`)
	if !ok {
		p.close()
		return nil, errRefused
	}
	p.path += "&sid=" + sid
	return p, p.post("40")
}

func (p *session) get(headers string) (string, error) {
	return p.do(http.MethodGet, p.path, headers, "")
}

// formValue writes a payload as the value of a form's field.
var formValue = strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "\x1e", "%1E")

func (p *session) post(packets ...string) error {
	body, kind := strings.Join(packets, "\x1e"), "text/plain"
	if p.form {
		body, kind = "d="+formValue.Replace(body), "application/x-www-form-urlencoded"
	}
	_, err := p.do(http.MethodPost, p.path, "Content-Type: "+kind+"\r\n", body)
	return err
}

// A socket is a WebSocket in the main namespace.
type socket struct {
	s    *assault
	conn net.Conn
	rest []byte // received, and not yet used
}

// socket opens one from the attacker's address. auth is what it says of itself, as JSON or "".
func (s *assault) socket(auth string) (*socket, string, error) { return s.socketFrom(attacker, auth) }

func (s *assault) socketFrom(from net.IP, auth string) (*socket, string, error) {
	conn, err := s.dialFrom(from)
	if err != nil {
		return nil, "", err
	}
	k := &socket{s: s, conn: conn}
	joined, err := k.join(auth)
	if err != nil {
		_ = conn.Close()
		return nil, "", err
	}
	return k, joined, nil
}

const handshake = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func (k *socket) join(auth string) (joined string, err error) {
	k.s.asked.Add(1)
	_ = k.conn.SetDeadline(earlier(k.s.deadline, time.Now().Add(patience)))
	if _, err := fmt.Fprintf(k.conn, handshake, k.s.addr); err != nil {
		return "", err
	}
	in := bufio.NewReader(k.conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return "", errRefused
	}
	k.rest, _ = in.Peek(in.Buffered())
	if err := k.send("40" + auth); err != nil {
		return "", err
	}
	return k.until("40")
}

// until reads packets until one begins so, and returns it.
func (k *socket) until(start string) (string, error) {
	var buf [64 << 10]byte
	for {
		for {
			op, payload, size, err := load.NextFrame(k.rest)
			if err != nil {
				return "", err
			}
			if size == 0 {
				break
			}
			packet := string(payload)
			k.rest = k.rest[size:]
			if op == load.OpText && strings.HasPrefix(packet, start) {
				return packet, nil
			}
		}
		n, err := k.conn.Read(buf[:])
		if err != nil {
			return "", err
		}
		k.rest = append(bytes.Clone(k.rest), buf[:n]...)
	}
}

// A batch is frames that go out together, again and again: an attacker makes them once.
type batch struct {
	frames []byte
	count  uint64
}

func (b *batch) add(op byte, packet string) {
	b.frames = load.AppendFrame(b.frames, op, []byte(packet))
	b.count++
}

// times is a batch of one packet, n times.
func times(n int, op byte, packet string) *batch {
	b := &batch{}
	for range n {
		b.add(op, packet)
	}
	return b
}

func (k *socket) write(b *batch) error {
	_ = k.conn.SetWriteDeadline(k.s.deadline)
	_, err := k.conn.Write(b.frames)
	k.s.asked.Add(b.count)
	return err
}

func (k *socket) send(packet string) error { return k.write(times(1, load.OpText, packet)) }

// ask sends an event that wants an answer, and returns this.
func (k *socket) ask(event string) (string, error) {
	if err := k.send("427" + event); err != nil {
		return "", err
	}
	_ = k.conn.SetReadDeadline(earlier(k.s.deadline, time.Now().Add(patience)))
	return k.until("437")
}

// discard reads whatever comes, until the connection is closed. Nothing else may read any more.
func (k *socket) discard() {
	_ = k.conn.SetReadDeadline(time.Time{})
	k.s.all.Go(func() { // ends with the connection, at the latest with the assault
		_, _ = io.Copy(io.Discard, k.conn)
	})
}

func (k *socket) close() { _ = k.conn.Close() }
