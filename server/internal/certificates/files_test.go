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
func watched(t *testing.T, pair *certtest.Pair, body func(f *Files, log *lines)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
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
	watched(t, p, func(f *Files, log *lines) {
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
	watched(t, p, func(f *Files, log *lines) {
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

// One that can't be read for its rights is read once they are right.
func TestFilesWhoseRightsChangeAreLookedAtAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	certtest.Write(t, file, []byte("key"))
	before := stampOf(file)
	if !before.equal(stampOf(file)) || before.equal(stampOf(file+".not")) || !stampOf(file+".not").equal(stampOf(file+".not")) {
		t.Fatal("the stamp of a file is another though nothing has changed, or the same though it is missing")
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	rights := stampOf(file)
	if rights.equal(before) {
		t.Error("chmod is not seen")
	}
	if os.Getuid() == 0 {
		if err := os.Chown(file, 1, 1); err != nil {
			t.Fatal(err)
		}
		if stampOf(file).equal(rights) {
			t.Error("chown is not seen")
		}
	}
	now := stampOf(file)
	other := file + ".other"
	certtest.Write(t, other, []byte("yek"))
	if err := os.Chmod(other, 0o640); err != nil {
		t.Fatal(err)
	}
	_ = os.Chown(other, int(now.owner.user), int(now.owner.group))
	if err := os.Chtimes(other, now.info.ModTime(), now.info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, file); err != nil {
		t.Fatal(err)
	}
	if stampOf(file).equal(now) {
		t.Error("another file in the place is not seen")
	}
}

func TestAnExpiredCertificateKeepsNothingElseFromBeingTaken(t *testing.T) {
	var a *certtest.Authority
	var old, good *certtest.Pair
	synctest.Test(t, func(*testing.T) {
		a = certtest.NewAuthority(t)
		old, good = a.IssueUntil(time.Now().Add(time.Hour), "a.example"), a.Issue("b.example")
	})
	synctest.Test(t, func(t *testing.T) {
		f, err := Open([]Pair{pairOf(old), pairOf(good)}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		next := a.Issue("c.example")
		apply, err := f.Prepare([]Pair{pairOf(old), pairOf(next)})
		if err != nil {
			t.Fatal(err)
		}
		apply()
		if held := f.Held(); len(held) != 2 || held[0].Name != "a.example" || held[1].Name != "c.example" {
			t.Errorf("in force are %v", held)
		}
		if err := os.Chmod(old.CertFile, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Prepare([]Pair{pairOf(old)}); err == nil || !strings.Contains(err.Error(), "has expired") {
			t.Errorf("files that have changed, and hold an expired certificate, are taken: %v", err)
		}
	})
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

func TestARenewalByACMEThatIsOverdueIsToldEachDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ life, quiet time.Duration }{
			{90 * day, 61 * day}, // renewed with 30 days left
			{6 * day, 5 * day},   // with 2 days left
			{day, 20 * time.Hour},
		} {
			log := &bytes.Buffer{}
			e := expiry{log: slog.New(slog.NewTextHandler(log, nil)), acme: true}
			h := Held{"a.example", time.Now(), time.Now().Add(c.life)}
			for end := time.Now().Add(c.quiet); time.Now().Before(end); time.Sleep(time.Hour) {
				e.look([]Held{h})
			}
			if log.Len() > 0 {
				t.Errorf("of %v it says too early %s", c.life, log)
			}
			for ; time.Now().Before(h.Expiry); time.Sleep(time.Hour) {
				e.look([]Held{h})
			}
			days := max(1, int((c.life-c.quiet)/day))
			if s := log.String(); strings.Count(s, "\n") != days || strings.Count(s, "could not be renewed") != days || !strings.Contains(s, "redirect_addr") {
				t.Errorf("of %v it says, %d days before the end,\n%s", c.life, days, s)
			}
			log.Reset()
			time.Sleep(day)
			e.look([]Held{h})
			if s := log.String(); !strings.Contains(s, "has expired") || !strings.Contains(s, "redirect_addr") {
				t.Errorf("at the end of %v it says %s", c.life, s)
			}
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
