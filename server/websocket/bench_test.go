package websocket

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// count is a Handler that only counts.
type count struct {
	messages int
	gone     func() // called for each, if set
}

func (c *count) Message(bool, []byte) error {
	c.messages++
	if c.gone != nil {
		c.gone()
	}
	return nil
}
func (c *count) Ping([]byte) {}
func (c *count) Pong([]byte) {}

var smallMessage = []byte(`42["news","says:hello !",{"from":"speaker","id":"abcdefgh"}]`)

// noAllocations checks that each run of f allocates nothing. The race detector makes sync.Pool drop things at random.
func noAllocations(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("pools are not dependable under the race detector")
	}
	f()
	if n := testing.AllocsPerRun(200, f); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReadingASmallFrameAllocatesNothing(t *testing.T) {
	w := overTCP(t, UpgradeOptions{})
	arrived := make(chan struct{})
	done := w.read(&count{gone: func() { arrived <- struct{}{} }})
	frame := text(string(smallMessage))
	noAllocations(t, func() {
		w.client.Write(frame)
		<-arrived
	})
	w.conn.Close()
	result(t, done)
}

func TestParsingFragmentsInControlFramesAllocatesOnlyTheMessage(t *testing.T) {
	p := newParser(ReadLimits{}, false)
	stream := join(clientFrame(true, 0, OpPing, "ping"), clientFrame(true, 0, OpBinary, "a"), clientFrame(true, 0, OpPong, ""))
	scratch := make([]byte, len(stream))
	h := new(count)
	noAllocations(t, func() {
		copy(scratch, stream)
		if err := p.feed(scratch, h); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadingASmallCompressedMessageAllocatesNothing(t *testing.T) {
	p := newParser(ReadLimits{}, true)
	frame := clientFrame(true, 4, OpText, clientDeflate(string(bytes.Repeat(smallMessage, 3))))
	scratch := make([]byte, len(frame))
	h := new(count)
	noAllocations(t, func() {
		copy(scratch, frame)
		if err := p.feed(scratch, h); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWritingSmallFramesAllocatesNothing(t *testing.T) {
	w := overTCP(t, UpgradeOptions{})
	go io.Copy(io.Discard, w.client) // ends with the connection
	defer w.client.Close()
	frame := AppendFrame(nil, OpText, smallMessage)
	bufs := make([][]byte, 8)
	for i := range bufs {
		bufs[i] = frame
	}
	noAllocations(t, func() {
		w.conn.TryWrite(bufs[:1])
		w.conn.TryWrite(bufs)
		w.conn.Write(bufs, time.Time{})
	})
}

func TestBuildingFramesAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1024)
	noAllocations(t, func() {
		b := AppendFrame(dst, OpText, smallMessage)
		b = AppendClose(b, CloseGoingAway, "server shutting down")
		b = AppendCompressed(b, OpText, smallMessage)
		if _, _, _, ok := NextFrame(b); !ok {
			t.Fatal("no frame")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, size := range map[string]int{"60B": 60, "1kB": 1000, "16kB": 16000} {
		b.Run(name, func(b *testing.B) {
			frame := text(string(bytes.Repeat([]byte("x"), size)))
			scratch := make([]byte, len(frame))
			p, h := newParser(ReadLimits{}, false), new(count)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				copy(scratch, frame) // it is unmasked in place
				if err := p.feed(scratch, h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// tcpPair is a Conn and its client on a loopback address, without the handshake.
func tcpPair(b *testing.B) (*Conn, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	conn := NewConn(server, UpgradeOptions{})
	b.Cleanup(func() { conn.Close(); client.Close() })
	return conn, client
}

func BenchmarkReadSmallFrame(b *testing.B) {
	conn, client := tcpPair(b)
	arrived := make(chan struct{})
	ended := make(chan error)
	go func() { ended <- conn.Read(&count{gone: func() { arrived <- struct{}{} }}) }()
	frame := text(string(smallMessage))
	b.ReportAllocs()
	for b.Loop() {
		client.Write(frame)
		<-arrived
	}
	conn.Close()
	<-ended
}

func BenchmarkReadPipelinedFrames(b *testing.B) {
	conn, client := tcpPair(b)
	const batch = 100
	h := new(count)
	arrived := make(chan struct{})
	h.gone = func() {
		if h.messages%batch == 0 {
			arrived <- struct{}{}
		}
	}
	ended := make(chan error)
	go func() { ended <- conn.Read(h) }()
	frames := bytes.Repeat(text(string(smallMessage)), batch)
	b.ReportAllocs()
	for b.Loop() {
		client.Write(frames)
		<-arrived
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/frame")
	conn.Close()
	<-ended
}

func BenchmarkTryWrite(b *testing.B) {
	for name, n := range map[string]int{"1buffer": 1, "4buffers": 4} {
		b.Run(name, func(b *testing.B) {
			conn, client := tcpPair(b)
			ended := make(chan struct{})
			go func() { io.Copy(io.Discard, client); close(ended) }()
			bufs := make([][]byte, n)
			for i := range bufs {
				bufs[i] = AppendFrame(nil, OpText, smallMessage)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.TryWrite(bufs); err != nil {
					b.Fatal(err)
				}
			}
			conn.Close()
			<-ended
		})
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		AppendFrame(dst, OpText, smallMessage)
	}
}

func BenchmarkAppendCompressed(b *testing.B) {
	message := bytes.Repeat(smallMessage, 20)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		AppendCompressed(dst, OpText, message)
	}
}

func BenchmarkInflate(b *testing.B) {
	p, h := newParser(ReadLimits{}, true), new(count)
	message := bytes.Repeat(smallMessage, 20)
	frame := clientFrame(true, 4, OpText, clientDeflate(string(message)))
	scratch := make([]byte, len(frame))
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		copy(scratch, frame)
		if err := p.feed(scratch, h); err != nil {
			b.Fatal(err)
		}
	}
}
