package load

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A crier is a server made for tests: it speaks just enough, over WebSocket, and delivers what deliver makes of the
// news.
type crier struct {
	t        *testing.T
	listener net.Listener
	serving  sync.WaitGroup

	mu      sync.Mutex                                         // guards the following
	deliver func(member int, number int, news []byte) [][]byte // members and numbers from 0 on
	members []net.Conn
	said    int
	mute    bool // it acknowledges no message
	all     []net.Conn
}

// honest delivers everything once.
func honest(_, _ int, news []byte) [][]byte { return [][]byte{news} }

func newCrier(t *testing.T, deliver func(member, number int, news []byte) [][]byte) *crier {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &crier{t: t, listener: listener, deliver: deliver}
	c.serving.Go(c.accept)
	t.Cleanup(c.close)
	return c
}

func (c *crier) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.all {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.serving.Wait()
}

// total returns how many messages were said.
func (c *crier) total() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(c.said)
}

func (c *crier) addr() netip.AddrPort { return netip.MustParseAddrPort(c.listener.Addr().String()) }

func (c *crier) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.all = append(c.all, conn)
		c.mu.Unlock()
		c.serving.Go(func() { c.serve(conn) })
	}
}

func (c *crier) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := http.ReadRequest(in); err != nil {
		return
	}
	c.talk(conn, in)
}

// talk speaks on a connection whose handshake has been read.
func (c *crier) talk(conn net.Conn, in *bufio.Reader) {
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	c.write(conn, []byte(`0{"sid":"x"}`))
	for {
		packet, err := readClientFrame(in)
		if err != nil {
			return
		}
		c.handle(conn, packet)
	}
}

func (c *crier) handle(conn net.Conn, packet []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	event, isEvent := bytes.CutPrefix(packet, []byte("42"))
	id, args, _ := bytes.Cut(event, []byte("["))
	switch {
	case string(packet) == "40":
		c.write(conn, []byte(`40{"sid":"x"}`))
	case isEvent && bytes.HasPrefix(args, []byte(`"f"`)):
		c.members = append(c.members, conn)
		c.write(conn, []byte("43"+string(id)+"[{}]"))
	case isEvent:
		if len(id) > 0 && !c.mute {
			c.write(conn, []byte("43"+string(id)+"[{}]"))
		}
		c.publish(args)
	}
}

// publish delivers ["message","data"], which comes without its first bracket. c.mu must be held.
func (c *crier) publish(args []byte) {
	data := bytes.TrimSuffix(bytes.TrimPrefix(args, []byte(`"message",`)), []byte("]"))
	news := []byte(`42["news",` + string(data) + `,{"from":"x"}]`)
	for i, member := range c.members {
		for _, packet := range c.deliver(i, c.said, news) {
			c.write(member, packet)
		}
	}
	c.said++
}

func (c *crier) write(conn net.Conn, packet []byte) {
	head := []byte{0x81, byte(len(packet))}
	if len(packet) > 125 {
		head = []byte{0x81, 126, byte(len(packet) >> 8), byte(len(packet))}
	}
	_, _ = conn.Write(append(head, packet...))
}

// readClientFrame reads a frame and takes its mask off, in other words than AppendFrame has.
func readClientFrame(in *bufio.Reader) ([]byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	n := int(head[1] &^ 0x80)
	if n == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(in, long); err != nil {
			return nil, err
		}
		n = int(long[0])<<8 + int(long[1])
	}
	masked := make([]byte, 4+n)
	if _, err := io.ReadFull(in, masked); err != nil {
		return nil, err
	}
	for i := range n {
		masked[4+i] ^= masked[i%4]
	}
	return masked[4:], nil
}

// run does a short fan-out against c.
func (c *crier) run(o Options) (*Result, error) {
	c.t.Helper()
	if o.Work == "" {
		o.Work = Fanout
	}
	o.Addr, o.PID = c.addr(), os.Getpid()
	o.Clients, o.InFlight, o.PerSecond = max(o.Clients, 3), max(o.InFlight, 4), 100
	o.Duration = 100 * time.Millisecond
	return Run(o)
}

// numberIn returns the number of a piece of news.
func numberIn(t *testing.T, news []byte) int {
	t.Helper()
	n, err := strconv.Atoi(string(news[len(newsHead) : len(newsHead)+digits]))
	if err != nil {
		t.Error(err)
	}
	return n
}
