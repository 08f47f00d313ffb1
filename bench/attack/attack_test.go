package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crier/crier/bench/load"
)

// A victim is a server made for tests: it speaks just enough for every attack to do what it is for.
type victim struct {
	open, most atomic.Int64 // connections: now, and the most there were
	heard      atomic.Int64 // frames and requests
}

func newVictim(t *testing.T, handler http.Handler, v *victim) netip.AddrPort {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if n := v.open.Add(1); n > v.most.Load() {
				v.most.Store(n)
			}
		case http.StateClosed, http.StateHijacked:
			v.open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
}

func (v *victim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.heard.Add(1)
	query := r.URL.Query()
	switch {
	case query.Get("transport") == "websocket":
		v.upgrade(w)
	case query.Get("sid") != "":
		_, _ = io.WriteString(w, "ok")
	case query.Has("j"):
		_, _ = io.WriteString(w, `___eio[0]("0{\"sid\":\"x\"}");`)
	default:
		_, _ = io.WriteString(w, `0{"sid":"x"}`)
	}
}

func (v *victim) upgrade(w http.ResponseWriter) {
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	for {
		packet, err := readFrame(in.Reader)
		if err != nil {
			return
		}
		v.heard.Add(1)
		if v.answer(conn, packet) != nil {
			return
		}
	}
}

func (v *victim) answer(conn net.Conn, packet string) error {
	var answers []string
	switch {
	case strings.HasPrefix(packet, "40"):
		answers = []string{`40{"sid":"x","pid":"secret"}`}
	case strings.HasPrefix(packet, "42"):
		id := packet[2:strings.Index(packet, "[")]
		answers = []string{"43" + id + `[{"offset":7}]`, `42["news","x","offset"]`}
	}
	for _, a := range answers {
		if _, err := conn.Write(append([]byte{0x81, byte(len(a))}, a...)); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads a client's frame; of long ones only the beginning.
func readFrame(in *bufio.Reader) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(in, head); err != nil {
		return "", err
	}
	n, more := int(head[1]&0x7f), 0
	switch n {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if more > 0 {
		length := make([]byte, more)
		if _, err := io.ReadFull(in, length); err != nil {
			return "", err
		}
		n = 0
		for _, b := range length {
			n = n<<8 | int(b)
		}
	}
	masked := make([]byte, 4+min(n, 100))
	if _, err := io.ReadFull(in, masked); err != nil {
		return "", err
	}
	_, err := in.Discard(n - (len(masked) - 4))
	for i := range masked[4:] {
		masked[4+i] ^= masked[i%4]
	}
	return string(masked[4:]), err
}

// mostConnections is the most that an attack has at a time, with those of its preparation.
const mostConnections = 6000 + 100

func TestEveryAttackAsksAndEndsInItsTime(t *testing.T) {
	for _, a := range Attacks {
		t.Run(a.Name, func(t *testing.T) {
			v := &victim{}
			addr := newVictim(t, v, v)
			var ready time.Time
			asked := a.Run(context.Background(), addr, 300*time.Millisecond, func() {
				ready = time.Now()
				v.heard.Store(0)
			})
			if took := time.Since(ready); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if asked == 0 || v.most.Load() == 0 || v.most.Load() > mostConnections {
				t.Errorf("it asked %d times over at most %d connections", asked, v.most.Load())
			}
			if a.Name != "idle connections" && v.heard.Load() == 0 {
				t.Error("the server has heard nothing")
			}
		})
	}
}

func TestAnAttackThatIsRefusedComesBackAndEndsInItsTime(t *testing.T) {
	for _, a := range Attacks {
		t.Run(a.Name, func(t *testing.T) {
			v := &victim{}
			addr := newVictim(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				v.heard.Add(1)
				w.WriteHeader(http.StatusTooManyRequests)
			}), v)
			if asked := a.Run(context.Background(), addr, 200*time.Millisecond, func() {}); asked == 0 {
				t.Error("it never asked")
			}
		})
	}
}

func TestTheEndOfTheContextEndsAnAttack(t *testing.T) {
	v := &victim{}
	addr := newVictim(t, v, v)
	ctx, cancel := context.WithCancel(context.Background())
	a, err := Named("floods short messages")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a.Run(ctx, addr, time.Minute, cancel)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it went on for %v", took)
	}
}

func TestTheFormOfAPreparationIsWhatServersTake(t *testing.T) {
	if _, err := Named("knitting"); err == nil {
		t.Error("an attack that there is not was found")
	}
	if n := len([]rune(longName(7))); n != 64 {
		t.Errorf("a long name has %d characters", n)
	}
	if got := fmt.Sprintf("%q", longName(7)); !strings.HasPrefix(got, `"說`) {
		t.Errorf("a name goes out as %s", got)
	}
	one := load.AppendFrame(nil, load.OpText, []byte("42[]"))
	if b := times(3, load.OpText, "42[]"); b.count != 3 || len(b.frames) != 3*len(one) {
		t.Errorf("a batch of three has %d frames", b.count)
	}
}
