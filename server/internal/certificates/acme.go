package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/idna"
)

// ACMEOptions say which certificates to get, and from whom.
type ACMEOptions struct {
	Hosts     []string // in lower case and ASCII; at least one
	Email     string   // may be empty
	Directory string   // the authority's URL
	CA        string   // a PEM file by which the authority itself is known; empty: the system's
	Folder    string   // where account and certificates are kept; made if need be
	Logger    *slog.Logger
}

// How long a certificate that could not be got is not asked for again. Let's Encrypt lets five proofs for a name fail
// in an hour.
const (
	firstPause = 2 * time.Minute
	mostPause  = 2 * time.Hour
)

// renewedEvery is how often it is looked whether autocert, which renews by itself, has a newer certificate.
const renewedEvery = time.Minute

// ACME are certificates that an authority gives. No client makes it ask for one: Watch alone does, for the hosts.
// All methods may be called concurrently.
type ACME struct {
	options ACMEOptions
	manager *autocert.Manager
	hosts   map[string]*host
	local   *tls.Certificate // for "localhost": see GetCertificate
	cut     context.CancelFunc
	expiry  expiry
}

// A host is a name that a certificate is asked for.
type host struct {
	name string
	cert atomic.Pointer[tls.Certificate] // nil until there is one
}

// NewACME opens the folder; nothing is asked for before Watch. The error is a sentence that an operator can act on.
func NewACME(o ACMEOptions) (*ACME, error) {
	if err := openFolder(o.Folder); err != nil {
		return nil, err
	}
	roots, err := authorities(o.CA)
	if err != nil {
		return nil, err
	}
	local, err := selfSigned(Local)
	if err != nil {
		return nil, err
	}
	ctx, cut := context.WithCancel(context.Background())
	a := &ACME{options: o, hosts: map[string]*host{}, local: local, cut: cut, expiry: expiry{log: o.Logger, acme: true}}
	for _, name := range o.Hosts {
		a.hosts[name] = &host{name: name}
	}
	a.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(o.Folder),
		HostPolicy: autocert.HostWhitelist(o.Hosts...),
		Email:      o.Email,
		Client: &acme.Client{
			DirectoryURL: o.Directory,
			HTTPClient:   &http.Client{Transport: newBoundTransport(ctx, roots), Timeout: time.Minute},
			UserAgent:    "crier",
		},
	}
	return a, nil
}

// openFolder makes the folder, which nobody else may read: it holds private keys.
func openFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("the folder for certificates can't be made: %w", err)
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		return fmt.Errorf("the folder for certificates can't be closed to others: %w", err)
	}
	probe, err := os.CreateTemp(folder, "probe")
	if err != nil {
		return fmt.Errorf("the folder for certificates can't be written to: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // the system's
	}
	text, err := read("acme_ca", file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the file %s, which acme_ca names, holds no certificate in PEM form", filepath.Clean(file))
	}
	return roots, nil
}

// Local is the name under which `crier healthcheck` asks: it gets a certificate that Crier has signed itself, since
// whether Crier lives must not depend on what an authority gives.
const Local = "localhost"

// Errors of handshakes.
var (
	ErrOtherHost = errors.New("the client asks for a name that is not among acme_hosts")
	ErrNoneYet   = errors.New("there is no certificate yet")
)

// GetCertificate is for tls.Config, whose NextProtos must have [Proof] too. A client that names no host is taken for
// one that wants the first.
func (a *ACME) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == Proof {
		return a.manager.GetCertificate(hello) // the authority, which wants to see that the name leads here
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	switch name {
	case Local:
		return a.local, nil
	case "":
		name = a.options.Hosts[0]
	}
	h := a.hosts[name]
	if h == nil {
		ascii, _ := idna.Lookup.ToASCII(name) // some clients send names as they are written
		if h = a.hosts[ascii]; h == nil {
			return nil, ErrOtherHost
		}
	}
	cert := h.cert.Load()
	if cert == nil {
		return nil, ErrNoneYet
	}
	return cert, nil
}

// Proof is the protocol (ALPN) of an authority that asks on the TLS port whether a name leads here (RFC 8737).
const Proof = acme.ALPNProto

// HTTPHandler answers an authority that asks the same by HTTP, mostly on port 80, and leaves all else to next.
func (a *ACME) HTTPHandler(next http.Handler) http.Handler {
	proofs := a.manager.HTTPHandler(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			next.ServeHTTP(w, r)
			return
		}
		asked := *r
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			asked.Host = name
		}
		proofs.ServeHTTP(w, &asked)
	})
}

// Held returns the certificates in force.
func (a *ACME) Held() []Held {
	var all []Held
	for _, name := range a.options.Hosts {
		if cert := a.hosts[name].cert.Load(); cert != nil {
			h := heldOf(cert)
			h.Name = name
			all = append(all, h)
		}
	}
	return all
}

// Watch gets the certificates, keeps them fresh and tells of those that run out, until ctx is done. What is asked of
// the authority then is given up.
func (a *ACME) Watch(ctx context.Context) {
	defer a.cut()
	var hosts sync.WaitGroup
	for _, name := range a.options.Hosts {
		hosts.Go(func() { a.keep(ctx, a.hosts[name]) })
	}
	tick := time.NewTicker(renewedEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		a.expiry.look(a.Held())
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	a.cut()
	hosts.Wait()
}

// keep has a host's certificate, or asks for it, ever more rarely.
func (a *ACME) keep(ctx context.Context, h *host) {
	pause := firstPause
	for ctx.Err() == nil {
		next := renewedEvery
		if err := a.take(h); err == nil {
			pause = firstPause
		} else if ctx.Err() == nil {
			a.options.Logger.Error("no certificate could be got", append([]any{"name", h.name, "from", a.options.Directory,
				"reason", strings.ReplaceAll(err.Error(), "\n", "; "), "next_try_in", pause.String()}, hint...)...)
			next, pause = pause, min(2*pause, mostPause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(next):
		}
	}
}

// ofToday is a client that takes keys of ECDSA, which all take that speak TLS 1.2: there is one certificate for a name.
var ofToday = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}

// take takes what autocert has: from its memory, its folder or the authority.
func (a *ACME) take(h *host) error {
	cert, err := a.manager.GetCertificate(&tls.ClientHelloInfo{ServerName: h.name, CipherSuites: ofToday})
	if err != nil {
		return err
	}
	if before := h.cert.Swap(cert); before == nil || !before.Leaf.Equal(cert.Leaf) {
		a.options.Logger.Info("a new certificate is in force", describe([]*tls.Certificate{cert})...)
	}
	return nil
}
