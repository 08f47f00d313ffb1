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
	"runtime"
	"slices"
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

func TestAMessageMustBeThereInTime(t *testing.T) {
	const limit = 30 * time.Second // the default
	begun := map[string][]byte{
		"fragment":                 clientFrame(false, 0, OpText, "begun"),
		"one byte of a header":     text("a")[:1],
		"half a payload":           text("half a payload")[:10],
		"half a ping":              clientFrame(true, 0, OpPing, "ping")[:8],
		"behind a whole message":   join(text("a"), text("b")[:3]),
		"header of an empty frame": clientFrame(true, 0, OpText, "")[:5],
	}
	for name, first := range begun {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := overPipe(t, UpgradeOptions{})
				done := w.read(&recorder{})
				time.Sleep(time.Hour) // a client that is quiet is not meant
				start := time.Now()
				w.client.Write(first)
				err := <-done
				if took := time.Since(start); codeOf(err) != ClosePolicyViolation || took != limit {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

func TestMoreOfAMessageBuysNoMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipe(t, UpgradeOptions{Limits: ReadLimits{FragmentTimeout: 10 * time.Second}})
		done := w.read(&recorder{})
		start := time.Now()
		w.client.Write(clientFrame(false, 0, OpText, ""))
		stopped := keepSending(w, join(clientFrame(false, 0, OpContinuation, ""), clientFrame(true, 0, OpPing, "")))
		err := <-done
		if took := time.Since(start); codeOf(err) != ClosePolicyViolation || took != 10*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		w.conn.Close()
		<-stopped
	})
}

func TestEachMessageHasTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overPipe(t, UpgradeOptions{Limits: ReadLimits{FragmentTimeout: 10 * time.Second}})
		var r recorder
		done := w.read(&r)
		w.client.Write(text("0")[:3])
		for i := range 5 { // each write ends one message and begins the next
			time.Sleep(9 * time.Second)
			w.client.Write(join(text(fmt.Sprint(i))[3:], text(fmt.Sprint(i + 1))[:3]))
		}
		time.Sleep(9 * time.Second)
		w.client.Write(text("5")[3:])
		time.Sleep(time.Hour)
		w.client.Write(clientFrame(true, 0, OpClose, ""))
		if _, ok := errors.AsType[*CloseError](<-done); !ok {
			t.Error("a message was too late")
		}
		r.expect(t, `text "0"`, `text "1"`, `text "2"`, `text "3"`, `text "4"`, `text "5"`)
	})
}

// numbered returns buffers that together are a known sequence of bytes, empty ones among them.
func numbered(sizes ...int) (bufs [][]byte, all []byte) {
	for _, size := range sizes {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte((len(all) + i) * 7 / 5)
		}
		bufs = append(bufs, b)
		all = append(all, b...)
	}
	return bufs, all
}

func TestWhatTryWriteTakesAndWriteAddsIsTheWhole(t *testing.T) {
	sizes := []int{0, 1, 0, 0, 500_000, 3, 2_000_000, 0, 6_000_000, 1, 0}
	for range 3000 { // more than the kernel takes in one call
		sizes = append(sizes, 100)
	}
	bufs, all := numbered(sizes...)
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		n, err := w.conn.TryWrite(bufs) // nobody reads yet
		if err != nil || n == int64(len(all)) {
			t.Fatalf("took %d of %d: %v", n, len(all), err)
		}
		_, tcp := w.conn.NetConn().(*net.TCPConn)
		if raw := tcp && runtime.GOOS == "linux"; (n > 0) != raw {
			t.Errorf("took %d", n)
		}
		done := make(chan error, 1)
		go func() {
			m, err := w.conn.Write(after(bufs, n), time.Now().Add(patience))
			if m != int64(len(all))-n {
				err = fmt.Errorf("wrote %d of %d: %w", m, int64(len(all))-n, err)
			}
			done <- err
		}()
		got := make([]byte, len(all))
		w.client.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(w.br, got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("the client reads other bytes: %v", err)
		}
		if err := result(t, done); err != nil {
			t.Error(err)
		}
	})
	if _, want := numbered(sizes...); !bytes.Equal(bytes.Join(bufs, nil), want) {
		t.Error("the buffers were changed")
	}
}

// after returns what is left of bufs behind the first n bytes.
func after(bufs [][]byte, n int64) [][]byte {
	return [][]byte{bytes.Join(bufs, nil)[n:]}
}

func TestTryWriteOfManyBuffersIsWholeWhenThereIsRoom(t *testing.T) {
	w := overTCP(t, UpgradeOptions{})
	if w.conn.raw == nil {
		t.Skip("writes that do not wait are for Linux")
	}
	sizes := make([]int, 2500)
	for i := range sizes {
		sizes[i] = i % 3
	}
	bufs, all := numbered(sizes...)
	if n, err := w.conn.TryWrite(bufs); err != nil || n != int64(len(all)) {
		t.Errorf("took %d of %d: %v", n, len(all), err)
	}
	for _, empty := range [][][]byte{nil, {nil}, {{}, {}}} {
		if n, err := w.conn.TryWrite(empty); n != 0 || err != nil {
			t.Errorf("nothing to write: %d, %v", n, err)
		}
	}
}

func TestWriteGivesUpAtItsDeadlineAndCanGoOn(t *testing.T) {
	w := overTCP(t, UpgradeOptions{})
	bufs, all := numbered(20_000_000)
	n, err := w.conn.Write(bufs, time.Now().Add(50*time.Millisecond))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == int64(len(all)) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if _, err := w.conn.TryWrite(after(bufs, n)); err != nil {
		t.Errorf("TryWrite after the deadline: %v", err)
	}
}

func TestWritesToAClosedConnectionFail(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		w.conn.Close()
		if _, err := w.conn.Write([][]byte{{1}}, time.Time{}); err == nil {
			t.Error("Write succeeded")
		}
		if _, err := w.conn.TryWrite([][]byte{{1}}); err == nil && w.conn.raw != nil {
			t.Error("TryWrite succeeded")
		}
	})
}

func TestCloseEndsAWriteThatWaits(t *testing.T) {
	onEachTransport(t, UpgradeOptions{}, func(t *testing.T, w *wire) {
		bufs, _ := numbered(20_000_000)
		done := make(chan error, 1)
		go func() {
			_, err := w.conn.Write(bufs, time.Time{})
			done <- err
		}()
		w.client.SetReadDeadline(time.Now().Add(patience))
		w.br.ReadByte() // so it has begun
		w.conn.Close()
		if err := result(t, done); err == nil {
			t.Error("Write says that it wrote everything")
		}
	})
}

func TestCloseDoesNotWaitForATLSPeerThatTakesNothing(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	synctest.Test(t, func(t *testing.T) {
		server, client := net.Pipe()
		shaken := make(chan error, 1)
		go func() { shaken <- tls.Client(client, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake() }()
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

func TestSmallWritesAreGatheredWithinTheScratchBuffer(t *testing.T) {
	bufs, all := numbered(1000, 0, 2000, 900, 200, 5000, 4096, 1, 4096)
	scratch := make([]byte, 0, 4096)
	var got []byte
	var pieces []int
	for len(bufs) > 0 {
		var piece []byte
		piece, bufs = gather(scratch, bufs)
		got = append(got, piece...)
		pieces = append(pieces, len(piece))
	}
	if want := []int{3900, 200, 5000, 4096, 1, 4096}; !bytes.Equal(got, all) || !slices.Equal(pieces, want) {
		t.Errorf("pieces of %v bytes, want %v", pieces, want)
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
