// Package certtest makes certificates for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// An Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate
	Pool *x509.CertPool // it alone

	t   *testing.T
	key *ecdsa.PrivateKey
}

var serial atomic.Int64

// NewAuthority returns an authority of its own.
func NewAuthority(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{t: t, key: newKey(t), Pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: "an authority for tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.Cert = a.sign(template, template, a.key)
	a.Pool.AddCert(a.Cert)
	return a
}

// A Pair is a certificate with its key, as files and in memory.
type Pair struct {
	CertFile, KeyFile string

	TLS tls.Certificate
}

// Issue makes a certificate for names, which may be addresses, good for a year.
func (a *Authority) Issue(names ...string) *Pair {
	a.t.Helper()
	return a.IssueUntil(time.Now().AddDate(1, 0, 0), names...)
}

// IssueUntil makes one that was good from a year before its end, or is since an hour, whichever is earlier.
func (a *Authority) IssueUntil(end time.Time, names ...string) *Pair {
	a.t.Helper()
	p := &Pair{}
	p.WriteInto(a.t, a.t.TempDir(), a.make(end, names))
	return p
}

// Renew makes a new certificate in the files of an old one.
func (a *Authority) Renew(p *Pair, names ...string) {
	a.t.Helper()
	p.WriteInto(a.t, filepath.Dir(p.CertFile), a.make(time.Now().AddDate(1, 0, 0), names))
}

func (a *Authority) make(end time.Time, names []string) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: end.AddDate(-1, 0, 0), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if since := time.Now().Add(-time.Hour); since.Before(template.NotBefore) {
		template.NotBefore = since
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(a.t)
	leaf := a.sign(template, a.Cert, key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// sign returns what parent, or for the authority itself the template, says of the key.
func (a *Authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// WriteInto writes a certificate and its key into files of a folder, and makes them the pair's.
func (p *Pair) WriteInto(t *testing.T, folder string, c tls.Certificate) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.TLS, p.CertFile, p.KeyFile = c, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	Write(t, p.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	Write(t, p.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// PEM returns the authority's certificate as a file has it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert.Raw})
}

// Write puts a file in the place of another at once.
func Write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
