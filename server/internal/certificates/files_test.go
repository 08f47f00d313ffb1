package certificates

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/internal/certtest"
)

func pairOf(p *certtest.Pair) Pair { return Pair{p.CertFile, p.KeyFile} }

func TestAPairThatCannotBeUsedIsAPlainSentence(t *testing.T) {
	a := certtest.NewAuthority(t)
	good, other := a.Issue("a.example"), a.Issue("b.example")
	expired := a.IssueUntil(time.Now().Add(-time.Hour), "c.example")
	text := filepath.Join(t.TempDir(), "text")
	certtest.Write(t, text, []byte("hello"))
	encrypted := filepath.Join(t.TempDir(), "encrypted")
	certtest.Write(t, encrypted, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	for want, p := range map[string]Pair{
		"there is no file /nowhere, which tls_cert names":                              {"/nowhere", good.KeyFile},
		"there is no file /nowhere, which tls_key names":                               {good.CertFile, "/nowhere"},
		"which tls_cert names, can't be read":                                          {t.TempDir(), good.KeyFile},
		"the private key in " + other.KeyFile + " is not that of the certificate in ":  {good.CertFile, other.KeyFile},
		"the certificate " + expired.CertFile + " has expired, at ":                    pairOf(expired),
		"the file " + text + ", which tls_cert names, holds no certificate":            {text, good.KeyFile},
		"the file " + text + ", which tls_key names, holds no private key":             {good.CertFile, text},
		"the file " + good.KeyFile + ", which tls_cert names, holds no certificate in": {good.KeyFile, good.CertFile},
		"is encrypted, and Crier can't ask for its password":                           {good.CertFile, encrypted},
	} {
		_, err := Open([]Pair{p}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if os.Getuid() == 0 {
		return // who may read all
	}
	if err := os.Chmod(good.KeyFile, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open([]Pair{pairOf(good)}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "may not be read by the user") {
		t.Error(err)
	}
}

func TestEachClientGetsTheCertificateThatFitsItsName(t *testing.T) {
	a := certtest.NewAuthority(t)
	one, two := a.Issue("a.example"), a.Issue("b.example", "*.b.example")
	f, err := Open([]Pair{pairOf(one), pairOf(two)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*certtest.Pair{
		"a.example": one, "b.example": two, "x.b.example": two, "other.example": one, "": one,
	} {
		hello := &tls.ClientHelloInfo{
			ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.X25519},
		}
		if got, err := f.GetCertificate(hello); err != nil || !got.Leaf.Equal(want.TLS.Leaf) {
			t.Errorf("%q gets the certificate of %v, %v", name, got.Leaf.DNSNames, err)
		}
	}
}

// watched runs a body beside a watcher, in time that is not real.
func watched(t *testing.T, pair *certtest.Pair, body func(f *Files, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		f, err := Open([]Pair{pairOf(pair)}, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { f.Watch(ctx); close(ended) }()
		synctest.Wait()
		body(f, log)
		cancel()
		<-ended
	})
}

// inBubble makes a certificate that is good at the time of a bubble, which begins in the year 2000.
func inBubble(t *testing.T) (*certtest.Authority, *certtest.Pair) {
	var a *certtest.Authority
	var p *certtest.Pair
	synctest.Test(t, func(*testing.T) {
		a = certtest.NewAuthority(t)
		p = a.Issue("a.example")
	})
	return a, p
}

func shown(t *testing.T, f *Files) *tls.Certificate {
	t.Helper()
	cert, err := f.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestChangedFilesAreTakenWhenBothAreThere(t *testing.T) {
	a, p := inBubble(t)
	watched(t, p, func(f *Files, log *bytes.Buffer) {
		before := shown(t, f)
		next := a.Issue("a.example")
		cert, _ := os.ReadFile(next.CertFile)
		key, _ := os.ReadFile(next.KeyFile)
		time.Sleep(lookEvery / 2)
		certtest.Write(t, p.CertFile, cert)
		time.Sleep(lookEvery) // it is seen, and its key is not there yet
		certtest.Write(t, p.KeyFile, key)
		time.Sleep(lookEvery)
		if got := shown(t, f); !got.Leaf.Equal(before.Leaf) {
			t.Error("a change is taken that has been there for one look alone")
		}
		time.Sleep(lookEvery)
		if got := shown(t, f); !got.Leaf.Equal(next.TLS.Leaf) {
			t.Error("the new certificate is not in force")
		}
		if s := log.String(); !strings.Contains(s, "a new certificate is in force") || strings.Contains(s, "ERROR") {
			t.Errorf("the log says %s", s)
		}
	})
}

func TestABrokenNewPairChangesNothingAndIsToldOnce(t *testing.T) {
	_, p := inBubble(t)
	watched(t, p, func(f *Files, log *bytes.Buffer) {
		before := shown(t, f)
		certtest.Write(t, p.CertFile, []byte("not one"))
		time.Sleep(time.Hour)
		if got := shown(t, f); !got.Leaf.Equal(before.Leaf) {
			t.Error("the certificate has changed")
		}
		if s := log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "the certificate stays as it is") ||
			!strings.Contains(s, p.CertFile) {
			t.Errorf("the log says %q", s)
		}
	})
}

func TestAReloadTakesAllPairsOrNone(t *testing.T) {
	a := certtest.NewAuthority(t)
	one, two, broken := a.Issue("a.example"), a.Issue("b.example"), a.Issue("c.example")
	certtest.Write(t, broken.KeyFile, nil)
	f, err := Open([]Pair{pairOf(one)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Prepare([]Pair{pairOf(two), pairOf(broken)}); err == nil || !shown(t, f).Leaf.Equal(one.TLS.Leaf) {
		t.Errorf("a broken pair is taken, or the other: %v", err)
	}
	apply, err := f.Prepare([]Pair{pairOf(two)})
	if err != nil {
		t.Fatal(err)
	}
	if apply(); !shown(t, f).Leaf.Equal(two.TLS.Leaf) {
		t.Error("the new pair is not in force")
	}
}

func TestACertificateThatRunsOutIsToldEachDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		e := expiry{log: slog.New(slog.NewTextHandler(log, nil))}
		h := Held{"a.example", time.Now(), time.Now().AddDate(1, 0, 0)}
		pass := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Hour) {
				e.look([]Held{h})
			}
		}
		if pass(time.Until(h.Expiry) - warnDays); log.Len() > 0 {
			t.Errorf("too early: %s", log)
		}
		pass(3*24*time.Hour + 2*time.Hour)
		if s := log.String(); strings.Count(s, "\n") != 4 || strings.Count(s, "runs out soon") != 4 || !strings.Contains(s, "days=11") {
			t.Errorf("in three days and two hours of the last 14 it says\n%s", s)
		}
		log.Reset()
		pass(time.Until(h.Expiry) + 25*time.Hour)
		if s := log.String(); !strings.Contains(s, "has expired, and clients refuse it") {
			t.Errorf("at the end it says\n%s", s)
		}
	})
}

func TestAShortCertificateIsToldOfInItsLastThird(t *testing.T) {
	log := &bytes.Buffer{}
	e := expiry{log: slog.New(slog.NewTextHandler(log, nil))}
	now := time.Now()
	week := 7 * 24 * time.Hour
	e.look([]Held{{"a", now.Add(-week / 2), now.Add(week / 2)}})
	if log.Len() > 0 {
		t.Errorf("at half of a week it says %s", log)
	}
	e.look([]Held{{"a", now.Add(-5 * 24 * time.Hour), now.Add(2 * 24 * time.Hour)}, {"b", now.Add(time.Hour), now.Add(week)}})
	if s := log.String(); strings.Count(s, "runs out soon") != 1 || strings.Count(s, "not valid yet") != 1 {
		t.Errorf("it says %s", s)
	}
}
