package certificates

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
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

// A stamp changes when a file does, or who may read it.
type stamp struct {
	info  os.FileInfo // nil: there is none
	owner owner
}

// An owner is the user and the group that a file belongs to, on systems that have them.
type owner struct{ user, group uint32 }

// stampOf follows links: Kubernetes and certbot change where a link leads.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info, ownerOf(info)}
}

func (s stamp) equal(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == other.info
	}
	return os.SameFile(s.info, other.info) && s.owner == other.owner && s.info.Mode() == other.info.Mode() &&
		s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime())
}

func equal(some, others []stamp) bool { return slices.EqualFunc(some, others, stamp.equal) }

// A set is what is loaded of some pairs, and how the files were then.
type set struct {
	pairs  []Pair
	certs  []*tls.Certificate
	stamps []stamp // two of each pair
}

// loadSet reads all pairs. The stamps are taken before: a change while it reads is seen as one.
//
// A pair that is in force and has not changed stays, even if it could not be taken anew: one that has expired must keep
// neither the others nor other settings from being taken. inForce is nil at the start.
func loadSet(pairs []Pair, inForce *set, now time.Time) (*set, error) {
	s := &set{pairs: pairs, stamps: stampsOf(pairs)}
	for i, p := range pairs {
		cert, err := p.load(now)
		if err != nil {
			cert = inForce.certOf(p, s.stamps[2*i:2*i+2])
		}
		if cert == nil {
			return nil, err
		}
		s.certs = append(s.certs, cert)
	}
	return s, nil
}

// certOf returns the certificate of a pair whose files are still as they were; nil if there is none.
func (s *set) certOf(p Pair, stamps []stamp) *tls.Certificate {
	if s == nil {
		return nil
	}
	for i := range s.pairs {
		if s.pairs[i] == p && equal(s.stamps[2*i:2*i+2], stamps) {
			return s.certs[i]
		}
	}
	return nil
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
