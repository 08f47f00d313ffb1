package certificates

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A Pair names the files of a certificate and of its private key.
type Pair struct{ Cert, Key string }

// Pairs puts the files of two lists of one length side by side.
func Pairs(certs, keys []string) []Pair {
	pairs := make([]Pair, len(certs))
	for i := range certs {
		pairs[i] = Pair{certs[i], keys[i]}
	}
	return pairs
}

// load reads a pair. The error is a sentence that an operator can act on.
func (p Pair) load(now time.Time) (*tls.Certificate, error) {
	cert, err := read("tls_cert", p.Cert)
	if err != nil {
		return nil, err
	}
	key, err := read("tls_key", p.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, p.explain(cert, key, err)
	}
	if now.After(pair.Leaf.NotAfter) {
		return nil, fmt.Errorf("the certificate %s has expired, at %s", p.Cert, date(pair.Leaf.NotAfter))
	}
	return &pair, nil
}

func read(setting, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s, which %s names", path, setting)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the file %s, which %s names, may not be read by the user that Crier runs as (%d)",
			path, setting, os.Geteuid())
	case err != nil:
		return nil, fmt.Errorf("the file %s, which %s names, can't be read: %w", path, setting, err)
	}
	return text, nil
}

// explain says what is wrong with a pair that crypto/tls does not take.
func (p Pair) explain(cert, key []byte, err error) error {
	switch {
	case !holds(cert, isCertificate):
		return fmt.Errorf("the file %s, which tls_cert names, holds no certificate in PEM form", p.Cert)
	case holds(key, isEncrypted):
		return fmt.Errorf("the private key in %s is encrypted, and Crier can't ask for its password; "+
			"write it without (openssl pkey -in KEY -out NEW)", p.Key)
	case !holds(key, isKey):
		return fmt.Errorf("the file %s, which tls_key names, holds no private key in PEM form", p.Key)
	case strings.Contains(err.Error(), "does not match"):
		return fmt.Errorf("the private key in %s is not that of the certificate in %s", p.Key, p.Cert)
	}
	return fmt.Errorf("the certificate in %s and the private key in %s can't be used: %w", p.Cert, p.Key, err)
}

func holds(text []byte, what func(*pem.Block) bool) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if what(block) {
			return true
		}
	}
}

func isCertificate(b *pem.Block) bool { return b.Type == "CERTIFICATE" }
func isKey(b *pem.Block) bool         { return strings.HasSuffix(b.Type, "PRIVATE KEY") }

func isEncrypted(b *pem.Block) bool {
	return b.Type == "ENCRYPTED PRIVATE KEY" || isKey(b) && strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// A stamp changes when a file does.
type stamp struct {
	size    int64
	changed time.Time
	missing bool
}

// stampOf follows links: Kubernetes and certbot change where a link leads.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{missing: true}
	}
	return stamp{size: info.Size(), changed: info.ModTime()}
}

// A set is what is loaded of some pairs, and how the files were then.
type set struct {
	pairs  []Pair
	certs  []*tls.Certificate
	stamps []stamp
}

// loadSet reads all pairs. The stamps are taken before: a change while it reads is seen as one.
func loadSet(pairs []Pair, now time.Time) (*set, error) {
	s := &set{pairs: pairs, stamps: stampsOf(pairs)}
	for _, p := range pairs {
		cert, err := p.load(now)
		if err != nil {
			return nil, err
		}
		s.certs = append(s.certs, cert)
	}
	return s, nil
}

func stampsOf(pairs []Pair) (all []stamp) {
	for _, p := range pairs {
		all = append(all, stampOf(p.Cert), stampOf(p.Key))
	}
	return all
}

// same reports whether both hold the same certificates.
func (s *set) same(other *set) bool {
	if len(s.certs) != len(other.certs) {
		return false
	}
	for i := range s.certs {
		if !bytes.Equal(s.certs[i].Leaf.Raw, other.certs[i].Leaf.Raw) ||
			len(s.certs[i].Certificate) != len(other.certs[i].Certificate) {
			return false
		}
	}
	return true
}
