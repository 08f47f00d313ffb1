package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/crier/crier/server/internal/limit"
)

// A greeting looks at the first byte that each client of an address sends. One that speaks TLS to a plain address, or
// plain HTTP to one of TLS, is told so in words that it can read, and the log tells the operator.
type greeting struct {
	secure  bool   // what the address speaks
	addr    string // where it is,
	setting string // and by which setting
	target  target // where plain requests belong
	log     *slog.Logger
	outlet  *limit.Outlet
	wrong   *atomic.Uint64 // clients that spoke the other
	most    int            // bytes that are read of a request
}

const (
	tlsHandshake = 0x16        // the first byte of TLS: a record with a ClientHello (RFC 8446, section 5.1)
	lingerTime   = time.Second // for a client that still sends while it is answered,
	lingerBytes  = 256 << 10   // and how much it may send
)

func (s *Server) newGreeting(addr net.Addr, setting string, secure bool) *greeting {
	g := &greeting{
		secure: secure, addr: addr.String(), setting: setting, target: s.target(addr, setting),
		log: s.log, outlet: limit.NewOutlet(), wrong: &s.spokeTLS, most: s.config.MaxHeaderBytes,
	}
	if secure {
		g.wrong = &s.spokePlain
	}
	return g
}

// fits reports whether a client that begins so speaks what the address does. Only what is surely the other does not.
func (g *greeting) fits(first byte) bool {
	if g.secure {
		return first < 'A' || first > 'Z' // a method's first letter
	}
	return first != tlsHandshake
}

// answer answers a client that begins with first, and returns the error with which its connection ends.
func (g *greeting) answer(conn *net.TCPConn, first []byte) error {
	g.wrong.Add(1)
	var words []byte
	if g.secure {
		words = g.redirection(conn, first)
	} else {
		words = notTLS
	}
	g.tell(conn.RemoteAddr())
	_ = conn.SetWriteDeadline(time.Now().Add(lingerTime)) // a client that reads nothing gets nothing
	_, _ = conn.Write(words)
	// What is closed with bytes unread is reset, and the client may lose the answer.
	_ = conn.CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, conn, lingerBytes)
	return io.EOF
}

// notTLS answers a ClientHello: no alert of TLS says what is wrong, and clients that get HTTP say so, each in its way
// ("server gave HTTP response to HTTPS client", "wrong version number").
var notTLS = []byte("HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"This address speaks plain HTTP (http://, ws://), and the request came by TLS (https://, wss://).\n")

// redirection answers a plain request.
func (g *greeting) redirection(conn *net.TCPConn, first []byte) []byte {
	head := io.LimitReader(io.MultiReader(bytes.NewReader(first), conn), int64(g.most))
	r, err := http.ReadRequest(bufio.NewReader(head)) // net/http has set a deadline for the handshake
	if err != nil {
		r = &http.Request{}
	}
	d := g.target.direct(r)
	d.header.Set("Connection", "close")
	d.header.Set("Content-Length", strconv.Itoa(len(d.body)))
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", d.status, http.StatusText(d.status))
	_ = d.header.Write(&b) // a bytes.Buffer takes everything
	b.WriteString("\r\n")
	if r.Method != http.MethodHead {
		b.WriteString(d.body)
	}
	return b.Bytes()
}

// tell logs now and then that an address is spoken to in the wrong way.
func (g *greeting) tell(peer net.Addr) {
	held, ok := g.outlet.Next()
	if !ok {
		return
	}
	address := limit.PeerOf(peer.String())
	fields := []any{"addr", g.addr, "setting", g.setting, "address", address, "not_logged", held}
	switch {
	case g.secure:
		g.log.Warn("a client spoke plain HTTP to an address that speaks TLS: its URL must begin with https or wss; "+
			"redirect_addr gives those who come by http an address that sends them on", fields...)
	case plainByPurpose(g.setting):
		g.log.Warn("a TLS client spoke to an address that is plain HTTP by its purpose: its URL must begin with http",
			fields...)
	default:
		g.log.Warn("a TLS client spoke to an address that is plain HTTP: its URL must begin with http or ws; to have "+
			"TLS set tls_cert and tls_key, or acme_hosts, or put a proxy in front that ends it", fields...)
	}
}
