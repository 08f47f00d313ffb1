package websocket

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// idleClientsEnv makes the test binary the client's side of the memory measurement, so that it is not measured with it.
const idleClientsEnv = "WEBSOCKET_TEST_IDLE_CLIENTS"

const idleConnections = 2000

// runIdleClients opens idle connections to addr and keeps them until standard input ends.
func runIdleClients(addr string) int {
	for range idleConnections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer c.Close()
		io.WriteString(c, handshakeRequest())
		if _, err := c.Read(make([]byte, 512)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		c.Write(text("hello"))
	}
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// resident returns this process's memory in bytes as the system counts it, and as Go does, after everything that can be
// given back has been.
func resident(t *testing.T) (rss, heap, stacks int64) {
	runtime.GC()
	debug.FreeOSMemory() // two collections empty the pools
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here:", err)
	}
	var size, pages int64
	fmt.Sscan(string(statm), &size, &pages)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return pages * int64(os.Getpagesize()), int64(m.HeapAlloc), int64(m.StackInuse)
}

func TestAConnectionThatWaitsCostsLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times what is measured")
	}
	var opened, closed sync.WaitGroup
	opened.Add(idleConnections)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := Upgrade(w, r, UpgradeOptions{Compression: true})
		if err != nil {
			t.Error(err)
			return
		}
		closed.Go(func() {
			conn.Read(firstMessage(opened.Done))
			conn.Close()
		})
	})}
	go server.Serve(listener)
	defer server.Close()

	rss, heap, stacks := resident(t)
	clients := exec.Command(os.Args[0])
	clients.Env = append(os.Environ(), idleClientsEnv+"="+listener.Addr().String())
	var complaints strings.Builder
	clients.Stderr = &complaints
	stop, err := clients.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	opened.Wait()
	rss2, heap2, stacks2 := resident(t)
	stop.Close()
	if err := clients.Wait(); err != nil {
		t.Fatal(err, complaints.String())
	}
	closed.Wait()

	each := (rss2 - rss) / idleConnections
	t.Logf("each of %d connections that wait costs %d bytes of RSS; of these %d are heap and %d are stack",
		idleConnections, each, (heap2-heap)/idleConnections, (stacks2-stacks)/idleConnections)
	// Measured: 4.1 to 4.5 kB. The ceiling is what one buffer kept by each connection would break through.
	if each > 8<<10 {
		t.Error("that is more than 8 KiB")
	}
}

// firstMessage is a Handler that calls itself for a message.
type firstMessage func()

func (f firstMessage) Message(bool, []byte) error { f(); return nil }
func (f firstMessage) Ping([]byte)                {}
func (f firstMessage) Pong([]byte)                {}
