package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// blockingEnv makes the test binary the process that would freeze.
const blockingEnv = "WEBSOCKET_TEST_BLOCKING"

func TestADescriptorThatWasMadeBlockingFreezesNothing(t *testing.T) {
	if os.Getenv(blockingEnv) != "" {
		useBlockingDescriptor(t)
		return
	}
	// A frozen process can't tell: it is another one, which can be ended.
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), blockingEnv+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v (%v)\n%s", err, ctx.Err(), out)
	}
}

func useBlockingDescriptor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // whatever waits in the kernel now stops everything
	w := overTCP(t, UpgradeOptions{})
	file, err := w.conn.NetConn().(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := unix.SetNonblock(int(file.Fd()), false); err != nil { // Fd has done so already, in most versions of Go
		t.Fatal(err)
	}

	var r recorder
	done := w.read(&r)
	time.Sleep(20 * time.Millisecond) // Read has tried, and found nothing
	runtime.GC()
	w.send(t, text("read"))
	waitFor(t, "the message", func() bool { return len(r.seen()) == 1 })

	bufs, _ := numbered(10_000, 3, 20_000_000)
	for _, some := range [][][]byte{bufs[:2], bufs, bufs[2:]} { // more than the peer's buffers hold, and nobody reads
		if _, err := w.conn.TryWrite(some); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.conn.Write(bufs[:1], time.Now().Add(50*time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a write that nobody takes ends with %v", err)
	}
	runtime.GC()
	w.conn.Close()
	result(t, done)
}

func TestTheSchedulerIsToldOfLargeWrites(t *testing.T) {
	for size, may := range map[int]bool{0: true, 60: true, 64 << 10: true, 64<<10 + 1: false, 4 << 20: false} {
		if unannounced(size) != may {
			t.Errorf("%d bytes without telling the scheduler: %v, want %v", size, !may, may)
		}
	}
	if buffer := len(readBuffer{}); !unannounced(buffer) {
		t.Errorf("a read brings up to %d bytes, and the scheduler is not told", buffer)
	}
}

func TestAWriteToALostConnectionIsAnErrorAndNoSignal(t *testing.T) {
	w := overTCP(t, UpgradeOptions{})
	w.client.(*net.TCPConn).SetLinger(0)
	w.client.Close()
	for _, bufs := range [][][]byte{{{1}}, {{1}, {2}}, make([][]byte, 2*fewPieces)} {
		for i := range bufs {
			bufs[i] = []byte{1}
		}
		waitFor(t, "the loss noticed", func() bool {
			_, err := w.conn.TryWrite(bufs)
			return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
		})
	}
}

// BenchmarkSystemCalls shows that the scheduler's part of a call is worth sparing: on one processor, 60 bytes are
// written and read over loopback.
func BenchmarkSystemCalls(b *testing.B) {
	message := make([]byte, 60)
	told := func(fd uintptr, b []byte) (int, error) {
		return len(b), unix.Sendto(int(fd), b, dontWait, nil)
	}
	for name, write := range map[string]func(fd uintptr, b []byte) (int, error){"told": told, "untold": sendOne} {
		b.Run(name, func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			conn, client := tcpPair(b)
			raw, err := conn.NetConn().(syscall.Conn).SyscallConn()
			if err != nil {
				b.Fatal(err)
			}
			back := make([]byte, len(message))
			once := func(fd uintptr) bool {
				_, err = write(fd, message)
				return true
			}
			for b.Loop() {
				if raw.Write(once); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(client, back); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
