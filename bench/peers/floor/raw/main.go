// The peer raw: one net.Conn.Write for each delivery, without a protocol or a library.
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/crier/crier/bench/peers/floor"
)

// A room is the connections, with whether they are registered.
type room struct {
	mu      sync.Mutex // guards the following
	members map[net.Conn]bool
}

func main() {
	listener, err := net.Listen("tcp", os.Getenv("ADDR"))
	if err != nil {
		log.Fatal(err)
	}
	r := &room{members: make(map[net.Conn]bool)}
	go r.beat()
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() { // ends with the connection
			r.serve(conn)
			r.mu.Lock()
			delete(r.members, conn)
			r.mu.Unlock()
			_ = conn.Close()
		}()
	}
}

func (r *room) serve(conn net.Conn) {
	in := bufio.NewReaderSize(conn, 512)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	accept := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	answer := append([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "+
		"Upgrade\r\nSec-WebSocket-Accept: "),
		base64.StdEncoding.EncodeToString(accept[:])+"\r\n\r\n"...)
	if _, err := conn.Write(append(answer, frame(floor.Open)...)); err != nil {
		return
	}
	request = nil
	r.read(conn, in)
}

func (r *room) read(conn net.Conn, in *bufio.Reader) {
	r.mu.Lock()
	r.members[conn] = false
	r.mu.Unlock()
	var scratch [256]byte
	for {
		packet, err := readFrame(in, scratch[:])
		if err != nil {
			return
		}
		r.handle(conn, floor.Handle(packet))
	}
}

// readFrame reads a masked frame of at most 255 bytes: the generator sends no longer ones.
func readFrame(in io.Reader, scratch []byte) ([]byte, error) {
	head := scratch[:2]
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		if _, err := io.ReadFull(in, head); err != nil {
			return nil, err
		}
		n = int(binary.BigEndian.Uint16(head))
	}
	if n+4 > len(scratch) {
		return nil, io.ErrShortBuffer
	}
	masked := scratch[:4+n]
	if _, err := io.ReadFull(in, masked); err != nil {
		return nil, err
	}
	for i := range masked[4:] {
		masked[4+i] ^= masked[i&3]
	}
	return masked[4:], nil
}

func (r *room) handle(conn net.Conn, reply floor.Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reply.Joins {
		r.members[conn] = true
	}
	if reply.Answer != nil {
		_, _ = conn.Write(frame(reply.Answer)) // a lost connection shows in serve
	}
	if reply.News == nil {
		return
	}
	news := frame(reply.News)
	for member, registered := range r.members {
		if registered {
			_, _ = member.Write(news)
		}
	}
}

// frame makes a text frame of at most 64 KiB.
func frame(payload []byte) []byte {
	head := []byte{0x81, byte(len(payload))}
	if len(payload) > 125 {
		head = binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(payload)))
	}
	return append(head, payload...)
}

// beat pings everybody.
func (r *room) beat() {
	ping := frame(floor.Ping)
	for range time.Tick(floor.PingInterval) {
		r.mu.Lock()
		for member := range r.members {
			_, _ = member.Write(ping)
		}
		r.mu.Unlock()
	}
}
