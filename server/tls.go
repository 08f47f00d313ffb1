package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/certificates"
	"github.com/crier/crier/server/internal/limit"
)

// An encryption is how the house speaks TLS.
type encryption struct {
	certs interface {
		GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
		Held() []certificates.Held
		Watch(context.Context)
	}
	files *certificates.Files // nil, if an authority gives the certificates,
	acme  *certificates.ACME  // else this is

	failed   atomic.Uint64 // handshakes
	failures *limit.Outlet // what is logged of these
}

// newEncryption loads the certificates, or makes ready to get them. It returns nil where all is plain.
func (s *Server) newEncryption(c *config.Config) (*encryption, error) {
	if err := c.Conflicts(); err != nil {
		return nil, err
	}
	e := &encryption{failures: limit.NewOutlet()}
	var err error
	switch {
	case len(c.TLSCert) > 0:
		e.files, err = certificates.Open(certificates.Pairs(c.TLSCert, c.TLSKey), s.log)
		e.certs = e.files
	case len(c.ACMEHosts) > 0:
		e.acme, err = certificates.NewACME(certificates.ACMEOptions{
			Hosts: c.ACMEHosts, Email: c.ACMEEmail, Directory: c.ACMEDirectory, CA: c.ACMECA,
			Folder: filepath.Join(c.Data, acmeFolder), Logger: s.log,
		})
		e.certs = e.acme
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return e, nil
}

// acmeFolder is, in the data folder, what an authority gave.
const acmeFolder = "acme"

// config returns the settings of a TLS listener. Versions, ciphers and curves are left to Go, which takes care of them.
func (e *encryption) config() *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: e.certs.GetCertificate}
	if e.acme != nil {
		t.NextProtos = []string{certificates.Proof} // net/http adds its own in front
	}
	return t
}

// Two ways in which an address speaks TLS.
type way bool

const (
	withHTTP2  way = true
	socketsWay way = false // an address for WebSockets alone, which begin with HTTP/1.1
)

// encrypt makes a server ready for serveTLS.
func (s *Server) encrypt(h *http.Server, how way) {
	h.TLSConfig = s.tls.config()
	h.Protocols = new(http.Protocols)
	h.Protocols.SetHTTP1(true)
	h.Protocols.SetHTTP2(how == withHTTP2)
	h.HTTP2 = s.http2Bounds()
	h.Handler = s.fewResets(h.Handler)
}

// serveOn serves what comes in at a listener, until that is closed: by TLS, if the server was made ready for it.
func (s *Server) serveOn(h *http.Server, l net.Listener, setting string) error {
	secure := h.TLSConfig != nil
	door := s.connections.listener(l, s.newGreeting(l.Addr(), setting, secure))
	if secure {
		return h.ServeTLS(door, "", "")
	}
	return h.Serve(door)
}

// inside returns the connection that http.Server calls by another name where it speaks TLS.
func inside(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return conn
}

// watchCertificates is the watcher of the certificates; it ends with ctx.
func (s *Server) watchCertificates(ctx context.Context) {
	if s.tls != nil {
		s.tls.certs.Watch(ctx)
	}
}

// prepareCertificates reads the files of certificates again, whatever has become of the settings.
func (s *Server) prepareCertificates(next *config.Config) (func(), error) {
	if s.tls == nil || s.tls.files == nil || len(next.TLSCert) == 0 {
		return nil, nil // to speak TLS or not, and by whose certificates, is decided at the start
	}
	apply, err := s.tls.files.Prepare(certificates.Pairs(next.TLSCert, next.TLSKey))
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return apply, nil
}

// daysLeft returns for how many days the certificates are good; of several for one name, the first to expire counts.
func (e *encryption) daysLeft() map[string]float64 {
	left := map[string]float64{}
	for _, h := range e.certs.Held() {
		days := time.Until(h.Expiry).Hours() / 24
		if before, ok := left[h.Name]; !ok || days < before {
			left[h.Name] = days
		}
	}
	return left
}

// handshakeError is how a line of net/http's log begins that tells of a handshake that failed.
const handshakeError = "http: TLS handshake error from "

// noteHandshake counts a handshake that failed, by net/http's line. The log tells of those in which the client said
// what it has against the certificate; the others come from whoever looks for open ports.
func (s *Server) noteHandshake(line string) {
	s.tls.failed.Add(1)
	address, reason, _ := strings.Cut(strings.TrimPrefix(line, handshakeError), ": ")
	if !strings.HasPrefix(reason, "remote error: ") {
		s.log.Debug("a TLS handshake failed", "address", address, "reason", reason)
		return
	}
	if held, ok := s.tls.failures.Next(); ok {
		s.log.Info("a client refused the TLS handshake; does it know the authority that signed the certificate, and "+
			"does tls_cert hold the whole chain?", "address", address, "reason", reason, "not_logged", held)
	}
}

// strict tells browsers, by the setting hsts, to come by https alone.
func (s *Server) strict(w http.ResponseWriter, r *http.Request) {
	if s.config.HSTS > 0 && r.TLS != nil {
		w.Header().Set("Strict-Transport-Security", fmt.Sprintf("max-age=%d", s.config.HSTS/time.Second))
	}
}
