package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A sip is a connection that takes little at a time.
type sip struct {
	net.Conn
	most   int // bytes of one TryWrite
	writes int
	got    bytes.Buffer
}

func (s *sip) TryWrite(bufs [][]byte) (int64, error) {
	s.writes++
	all := bytes.Join(bufs, nil)
	n, err := s.got.Write(all[:min(len(all), s.most)])
	return int64(n), err
}

func (s *sip) Write(p []byte) (int, error)      { s.writes++; return s.got.Write(p) }
func (s *sip) Close() error                     { return nil }
func (s *sip) SetDeadline(time.Time) error      { return nil }
func (s *sip) SetWriteDeadline(time.Time) error { return nil }

type hijackable struct {
	http.ResponseWriter
	nc net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.nc, nil, nil }

// upgradeDeferred upgrades a connection whose answer waits for the first write.
func upgradeDeferred(t *testing.T, nc net.Conn) *Conn {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshakeRequest())))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := Upgrade(hijackable{nc: nc}, r, UpgradeOptions{Defer: true})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// expectAnswerAnd checks that all of the answer came, and then rest.
func (s *sip) expectAnswerAnd(t *testing.T, rest string) {
	t.Helper()
	br := bufio.NewReader(&s.got)
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	if after, err := io.ReadAll(br); err != nil || string(after) != rest {
		t.Errorf("%q comes behind the answer (%v); want %q", after, err, rest)
	}
}

func TestADeferredAnswerGoesOutWithTheFirstFrames(t *testing.T) {
	for name, write := range map[string]func(*Conn, [][]byte) (int64, error){
		"TryWrite": (*Conn).TryWrite,
		"Write":    func(c *Conn, bufs [][]byte) (int64, error) { return c.Write(bufs, time.Now().Add(patience)) },
	} {
		t.Run(name, func(t *testing.T) {
			nc := &sip{most: 1 << 20}
			conn := upgradeDeferred(t, nc)
			if nc.got.Len() > 0 {
				t.Fatalf("%q went out before the first write", nc.got.String())
			}
			if n, err := write(conn, [][]byte{[]byte("first "), []byte("frames")}); n != 12 || err != nil {
				t.Errorf("took %d: %v", n, err)
			}
			if n, err := write(conn, [][]byte{[]byte(" and more")}); n != 9 || err != nil {
				t.Errorf("took %d: %v", n, err)
			}
			if nc.writes != 2 {
				t.Errorf("%d writes", nc.writes)
			}
			nc.expectAnswerAnd(t, "first frames and more")
		})
	}
}

func TestADeferredAnswerThatIsTakenInPartsComesWhole(t *testing.T) {
	for _, most := range []int{1, 7, 100, 128, 129, 130, 1000} {
		nc := &sip{most: most}
		conn := upgradeDeferred(t, nc)
		for rest := []byte("the frames"); len(rest) > 0; {
			n, err := conn.TryWrite([][]byte{rest})
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		nc.expectAnswerAnd(t, "the frames")
	}
}

func TestADeferredAnswerThatCanNotGoOutIsAnError(t *testing.T) {
	a, b := net.Pipe()
	conn := upgradeDeferred(t, a)
	b.Close()
	if n, err := conn.Write([][]byte{[]byte("a frame")}, time.Now().Add(patience)); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("took %d: %v", n, err)
	}
	conn.Close()
}
