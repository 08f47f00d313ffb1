package certificates

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex // guards the following
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newACME(t *testing.T, directory string) (*ACME, *lines) {
	t.Helper()
	log := &lines{}
	a, err := NewACME(ACMEOptions{
		Hosts: []string{"a.example", "xn--bcher-kva.example"}, Directory: directory, Folder: filepath.Join(t.TempDir(), "deep", "acme"),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.cut)
	return a, log
}

func TestNoClientMakesCrierAskForACertificate(t *testing.T) {
	a, log := newACME(t, "https://127.0.0.1:1/dir")
	for name, want := range map[string]error{
		"a.example": ErrNoneYet, "A.EXAMPLE.": ErrNoneYet, "": ErrNoneYet, "bücher.example": ErrNoneYet,
		"xn--bcher-kva.example": ErrNoneYet, "b.example": ErrOtherHost, "x.a.example": ErrOtherHost, "localhost": nil,
	} {
		cert, err := a.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		if !errors.Is(err, want) || (err == nil) != (cert != nil) {
			t.Errorf("%q: got %v, %v, want %v", name, cert, err, want)
		}
	}
	if got := log.String(); got != "" || len(a.Held()) != 0 {
		t.Errorf("the log says %s", got)
	}
}

func TestTheFolderOfCertificatesIsClosedToOthers(t *testing.T) {
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := openFolder(folder); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it is %v, %v", info.Mode(), err)
	}
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := openFolder(file); err == nil || !strings.Contains(err.Error(), "the folder for certificates can't be made") {
		t.Errorf("of a file in its place it says %v", err)
	}
}

// An authority that takes the connection and says nothing must not keep a server that stops.
func TestWatchEndsThoughTheAuthorityIsSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a, _ := newACME(t, "https://"+silent.Addr().String()+"/dir")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { a.Watch(ctx); close(ended) }()
	if conn, err := silent.Accept(); err == nil {
		defer conn.Close()
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("it goes on")
	}
}

func TestThatNoCertificateCouldBeGotIsToldWithTheNextTry(t *testing.T) {
	a, log := newACME(t, "https://127.0.0.1:1/dir")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { a.Watch(ctx); close(ended) }()
	for deadline := time.Now().Add(30 * time.Second); strings.Count(log.String(), "no certificate could be got") < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log says %s", log)
		}
	}
	cancel()
	<-ended
	if s := log.String(); !strings.Contains(s, "next_try_in=2m") || !strings.Contains(s, "port 443 to addr") || strings.Count(s, "\n") != 2 {
		t.Errorf("the log says %s", s)
	}
}
