package websocket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

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
