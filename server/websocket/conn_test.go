package websocket

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func TestMessagesArriveInOrderOverEachTransport(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		var r recorder
		done := w.read(&r)
		var want []string
		for i := range 300 {
			payload := fmt.Sprint(i, strings.Repeat("é", i*17))
			want = append(want, fmt.Sprintf("text %q", payload))
			w.send(t, text(payload))
		}
		w.send(t, clientFrame(true, 0, OpPing, "p"), clientFrame(true, 0, OpClose, "\x03\xe9bye"))
		closed, ok := errors.AsType[*CloseError](result(t, done))
		if !ok || *closed != (CloseError{CloseGoingAway, "bye"}) {
			t.Errorf("Read returned %v", closed)
		}
		r.expect(t, append(want, `ping "p"`)...)
	})
}

func TestALargeMessageArrivesWhole(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		var r recorder
		done := w.read(&r)
		payload := string(noise(300_000))
		w.send(t, clientFrame(true, 0, OpBinary, payload), clientFrame(true, 0, OpClose, ""))
		result(t, done)
		r.expect(t, fmt.Sprintf("binary %q", payload))
	})
}

func TestAMessageOfExactlyABufferIsNotHeldBack(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		var r recorder
		done := w.read(&r)
		for i, size := range []int{512 - 8, 16<<10 - 8, 512 - 8} { // a frame's header has 8 bytes here
			w.send(t, text(strings.Repeat("a", size)))
			waitFor(t, "the message", func() bool { return len(r.seen()) == i+1 })
		}
		w.conn.Close()
		result(t, done)
	})
}

// echo answers messages and pings at once.
type echo struct{ conn *Conn }

func (e echo) Message(binary bool, data []byte) error {
	op := OpText
	if binary {
		op = OpBinary
	}
	return e.write(AppendFrame(nil, op, data))
}

func (e echo) Ping(data []byte) { e.write(AppendFrame(nil, OpPong, data)) }
func (e echo) Pong([]byte)      {}

func (e echo) write(frame []byte) error {
	_, err := e.conn.Write([][]byte{frame}, time.Now().Add(patience))
	return err
}

func TestTheReferenceClientIsServed(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, UpgradeOptions{Subprotocols: []string{"v1"}})
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			ended <- conn.Read(echo{conn})
			conn.Close()
		}()
	}))
	defer server.Close()
	dialer := ws.Dialer{Protocols: []string{"v0", "v1"}}
	client, _, hs, err := dialer.Dial(context.Background(), "ws"+strings.TrimPrefix(server.URL, "http"))
	if err != nil || hs.Protocol != "v1" {
		t.Fatal(hs, err)
	}
	defer client.Close()
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 200_000} {
		message := bytes.Repeat([]byte("x"), size)
		if err := wsutil.WriteClientText(client, message); err != nil {
			t.Fatal(err)
		}
		got, op, err := wsutil.ReadServerData(client)
		if err != nil || op != ws.OpText || !bytes.Equal(got, message) {
			t.Fatalf("echo of %d bytes: %d, %v", size, len(got), err)
		}
	}
	ws.WriteFrame(client, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "done"))))
	if closed, ok := errors.AsType[*CloseError](result(t, ended)); !ok || closed.Reason != "done" {
		t.Errorf("Read returned %v", closed)
	}
}

func TestADroppedConnectionIsEOF(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		var r recorder
		done := w.read(&r)
		w.send(t, text("last"), text("cut off")[:5])
		waitFor(t, "the message", func() bool { return len(r.seen()) == 1 })
		w.client.Close()
		if err := result(t, done); !errors.Is(err, io.EOF) {
			t.Errorf("Read returned %v", err)
		}
	})
}

func TestCloseEndsReadFromAnyGoroutine(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		done := w.read(&recorder{})
		for range 3 {
			go w.conn.Close()
		}
		err := result(t, done)
		if !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Read returned %v", err)
		}
		if err := w.conn.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

// closer is a Handler that closes its connection.
type closer struct {
	recorder
	conn *Conn
}

func (c *closer) Ping([]byte) { c.conn.Close() }

func TestAHandlerMayCloseItsConnection(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		done := w.read(&closer{conn: w.conn})
		w.send(t, clientFrame(true, 0, OpPing, ""))
		result(t, done)
	})
}

func TestShutdownBringsTheCloseFrameToAPeerThatIsStillSending(t *testing.T) {
	w := overTCP(t, UpgradeOptions{Limits: ReadLimits{MaxMessage: 1000}})
	done := w.read(&recorder{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		w.client.Write(join(text(strings.Repeat("a", 4_000_000)))) // refused after its header
	}()
	err := result(t, done)
	if codeOf(err) != CloseTooBig {
		t.Fatal(err)
	}
	if _, err := w.conn.Write([][]byte{AppendClose(nil, CloseTooBig, "")}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- w.conn.Shutdown(patience) }()
	<-sent
	if op, payload := w.receive(t); op != OpClose || payload != "\x03\xf1" {
		t.Errorf("the client got %v %q", op, payload)
	}
	if _, err := w.br.ReadByte(); err != io.EOF {
		t.Errorf("behind the close frame: %v", err)
	}
	w.client.Close()
	if err := result(t, over); err != nil {
		t.Error("Shutdown:", err)
	}
}

// keepSending writes b from the client every 3 s until the connection ends.
func keepSending(w *wire, b []byte) (stopped <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			time.Sleep(3 * time.Second)
			if _, err := w.client.Write(b); err != nil {
				return
			}
		}
	}()
	return done
}

func TestShutdownDoesNotOutlastItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipe(t, UpgradeOptions{})
		stopped := keepSending(w, []byte("still sending"))
		start := time.Now()
		w.conn.Shutdown(5 * time.Second)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		<-stopped
	})
}

func TestCloseDoesNotWaitForATLSPeerThatTakesNothing(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		shaken := make(chan error, 1)
		go func() {
			shaken <- tls.Client(client, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake()
		}()
		nc := tls.Server(server, &tls.Config{Certificates: certified.TLS.Certificates})
		if err := errors.Join(nc.Handshake(), <-shaken); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		NewConn(nc, UpgradeOptions{}).Close()
		if took := time.Since(start); took > 0 {
			t.Errorf("took %v", took)
		}
	})
}

// tlsPipe is a TLS connection on a pipe, which holds nothing: what is written is what the peer takes.
func tlsPipe(t *testing.T, certificates []tls.Certificate) (served, client *tls.Conn) {
	t.Helper()
	server, far := net.Pipe()
	client = tls.Client(far, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	served = tls.Server(server, &tls.Config{Certificates: certificates})
	if err := errors.Join(served.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	return served, client
}

// A write that is cut short ends a TLS connection, so a slow peer must have its time for each record.
func TestASlowTLSPeerIsNotAStuckOne(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	synctest.Test(t, func(t *testing.T) {
		served, client := tlsPipe(t, certified.TLS.Certificates)
		conn := NewConn(served, UpgradeOptions{})
		defer conn.Close()
		const size = 200_000
		took := make(chan int, 1)
		go func() {
			b, n := make([]byte, 4096), 0
			for n < size {
				time.Sleep(time.Second / 5) // half a minute in all, at most 3 s for 16 KiB
				got, err := client.Read(b)
				if n += got; err != nil {
					break
				}
			}
			took <- n
		}()
		n, err := conn.Write([][]byte{make([]byte, size-100), make([]byte, 100)}, time.Now().Add(6*time.Second))
		if n != size || err != nil {
			t.Errorf("wrote %d: %v", n, err)
		}
		if n := <-took; n != size {
			t.Errorf("the peer took %d", n)
		}
		began := time.Now()
		n, err = conn.Write([][]byte{make([]byte, size)}, time.Now().Add(6*time.Second))
		if took := time.Since(began); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || took != 6*time.Second {
			t.Errorf("to a peer that takes nothing %d were written in %v: %v", n, took, err)
		}
		if n, err = conn.Write([][]byte{{1}}, time.Now().Add(time.Second)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection has not ended: %d, %v", n, err)
		}
	})
}

// Without a deadline a TLS peer is waited for, whatever deadline the write before had.
func TestATLSWriteWithoutADeadlineWaits(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	synctest.Test(t, func(t *testing.T) {
		served, client := tlsPipe(t, certified.TLS.Certificates)
		conn := NewConn(served, UpgradeOptions{})
		defer conn.Close()
		go func() {
			b := make([]byte, 16)
			_, _ = client.Read(b)
			time.Sleep(time.Minute)
			_, _ = client.Read(b)
		}()
		for _, deadline := range []time.Time{time.Now().Add(time.Second), {}} {
			if n, err := conn.Write([][]byte{{1}}, deadline); n != 1 || err != nil {
				t.Errorf("until %v: wrote %d: %v", deadline, n, err)
			}
		}
	})
}

func TestAPlainConnectionWaitsWithASmallBuffer(t *testing.T) {
	server, client := net.Pipe()
	defer server.Close()
	src := &plainSource{nc: server}
	sizes := []int{10, len(src.small), len(readBuffer{}), 10, 10}
	go func() {
		defer client.Close()
		for _, size := range sizes {
			client.Write(make([]byte, size))
		}
	}()
	for i, large := range []bool{false, true, true, false, false} {
		b, n, err := src.next()
		if err != nil || n != sizes[i] || src.more != large {
			t.Errorf("read %d of %d bytes, %v; then waits with a large buffer: %v", n, sizes[i], err, src.more)
		}
		src.release(b)
	}
}

func TestCompressionOverTheWire(t *testing.T) {
	w := overTCP(t, UpgradeOptions{Compression: true}, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
	if !w.conn.Compressed() {
		t.Fatal("not agreed on")
	}
	var r recorder
	done := w.read(&r)
	w.send(t, clientFrame(true, 4, OpText, clientDeflate("hello hello hello")), text("plain"), clientFrame(true, 0, OpClose, ""))
	result(t, done)
	r.expect(t, `text "hello hello hello"`, `text "plain"`)
}

func TestATypeThatEmbedsATCPConnIsNotReadBehindItsBack(t *testing.T) {
	type counted struct{ *net.TCPConn }
	if newRawSocket(counted{new(net.TCPConn)}) != nil {
		t.Error("the wrapper's own Read would be passed by")
	}
}
