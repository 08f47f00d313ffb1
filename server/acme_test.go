package server

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/certtest"
)

// A testAuthority is Pebble, the small sister of Let's Encrypt's server, with a DNS that knows every name as 127.0.0.1.
type testAuthority struct {
	directory, ca     string
	tlsPort, httpPort int // where it looks for its proofs
	stop              func()
}

// freePort is below the ports that the system gives to connections.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

func startAuthority(t *testing.T) *testAuthority {
	t.Helper()
	if os.Getenv("CRIER_TEST_LONG") == "" {
		t.Skip("builds and runs a certificate authority: a test of make test-long")
	}
	folder := t.TempDir()
	const module = "github.com/letsencrypt/pebble/v2/cmd/"
	build := exec.Command("go", "build", "-modfile=tools.mod", "-o", folder+"/", module+"pebble", module+"pebble-challtestsrv")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range 3 { // another process may take a port between the search for it and its use
		if a := runAuthority(t, folder); a != nil {
			return a
		}
	}
	t.Fatal("its ports were taken three times")
	return nil
}

// runAuthority returns nil if a port was taken.
func runAuthority(t *testing.T, folder string) *testAuthority {
	t.Helper()
	own := certtest.NewAuthority(t)
	pair := own.Issue("127.0.0.1")
	ca := filepath.Join(folder, "ca.pem")
	certtest.Write(t, ca, own.PEM())
	a := &testAuthority{ca: ca, tlsPort: freePort(t), httpPort: freePort(t)}
	local := func() string { return fmt.Sprintf("127.0.0.1:%d", freePort(t)) }
	listen, management, dns, dnsManagement := local(), local(), local(), local()
	a.directory = "https://" + listen + "/dir"
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management,
		"certificate": pair.CertFile, "privateKey": pair.KeyFile, "httpPort": a.httpPort, "tlsPort": a.tlsPort,
		"retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "one", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "pebble.json")
	certtest.Write(t, file, settings)
	off := []string{"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""}
	names := runTool(t, filepath.Join(folder, "pebble-challtestsrv"), append(off, "-dnsserver", dns, "-management", dnsManagement)...)
	pebble := runTool(t, filepath.Join(folder, "pebble"), "-config", file, "-dnsserver", dns)
	a.stop = pebble.stop
	if names.opens(dns) && names.opens(dnsManagement) && pebble.opens(listen) {
		return a
	}
	names.stop()
	pebble.stop()
	return nil
}

// A tool is a program that runs until the test ends, or stop is called.
type tool struct {
	t     *testing.T
	log   *journal
	ended chan struct{}
	stop  func()
}

func runTool(t *testing.T, name string, args ...string) *tool {
	t.Helper()
	program := exec.Command(name, args...)
	p := &tool{t: t, log: &journal{}, ended: make(chan struct{})}
	program.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	program.Stdout, program.Stderr = p.log, p.log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = program.Wait(); close(p.ended) }()
	p.stop = func() { _ = program.Process.Kill(); <-p.ended }
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(name), p.log)
		}
	})
	return p
}

// opens waits until an address answers; false: a port was taken.
func (p *tool) opens(addr string) bool {
	p.t.Helper()
	taken := func() bool { return strings.Contains(p.log.String(), "address already in use") }
	r := &running{t: p.t, log: p.log}
	r.untilPatiently(addr+" is there", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil || taken()
	})
	return !taken()
}

// issuer returns who signed the certificate that is shown for a name, or the error.
func (r *running) issuer(name string) string {
	conn, err := tls.Dial("tcp", r.addr(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Issuer.CommonName
}

func (a *testAuthority) settings(data string, hosts ...string) func(*config.Config) {
	return func(c *config.Config) {
		c.ACMEHosts, c.ACMEDirectory, c.ACMECA, c.ACMEEmail, c.Data = hosts, a.directory, a.ca, "ann@crier.test", data
		c.AllowedHosts = []string{"*.crier.test", "127.0.0.1"}
	}
}

func (r *running) gotOne(name string) {
	r.t.Helper()
	for deadline := time.Now().Add(patience / 3); !strings.HasPrefix(r.issuer(name), "Pebble"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("for %s is shown %q; the log:\n%s", name, r.issuer(name), r.log)
		}
	}
}

func TestAnAuthorityGivesCertificatesByTLSOrHTTP(t *testing.T) {
	a := startAuthority(t)
	data := t.TempDir()
	t.Run("tls-alpn-01", func(t *testing.T) {
		r := start(t, both(a.settings(data, "one.crier.test", "two.crier.test"), func(c *config.Config) {
			c.Addr = fmt.Sprintf("127.0.0.1:%d", a.tlsPort)
		}))
		r.gotOne("one.crier.test")
		r.gotOne("TWO.crier.test")
		if got := r.issuer(""); !strings.HasPrefix(got, "Pebble") {
			t.Errorf("a client that names no host gets %q", got)
		}
		if got := r.issuer("other.crier.test"); !strings.Contains(got, "internal error") {
			t.Errorf("for another name is shown %q", got)
		}
		if got := r.issuer("localhost"); got != "localhost" {
			t.Errorf("the health check is shown %q", got)
		}
		r.logged("a new certificate is in force", `"names":["one.crier.test"]`)
		if days := r.metric(`crier_tls_certificate_days{name="two.crier.test"}`); !strings.HasPrefix(days, "89.9") {
			t.Errorf("it is good for %s days", days)
		}
		info, err := os.Stat(filepath.Join(data, acmeFolder))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder is %v, %v", info, err)
		}
	})
	t.Run("http-01", func(t *testing.T) {
		r := start(t, both(a.settings(t.TempDir(), "three.crier.test"), func(c *config.Config) {
			c.RedirectAddr = fmt.Sprintf("127.0.0.1:%d", a.httpPort)
		}))
		r.gotOne("three.crier.test")
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/.well-known/acme-challenge/x", a.httpPort))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("a proof for another host is answered with %d", response.StatusCode)
		}
	})
	t.Run("after a restart without the authority", func(t *testing.T) {
		a.stop()
		r := start(t, a.settings(data, "one.crier.test", "new.crier.test"))
		r.gotOne("one.crier.test")
		r.untilPatiently("it is told that there is no other", func() bool {
			return strings.Contains(r.log.String(), `"msg":"no certificate could be got","name":"new.crier.test"`)
		})
		if n := strings.Count(r.log.String(), "no certificate could be got"); n != 1 {
			t.Errorf("it is told %d times", n)
		}
	})
}
