package server

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/logging"
)

func TestTheStartTellsVersionAddressFolderAndHowMuchIsKept(t *testing.T) {
	folder := t.TempDir()
	for _, held := range []string{`"messages":0`, `"messages":2`} {
		r := reloading(t, func(c *config.Config) { c.Data = folder })
		r.logged("Crier is listening", `"version":"(devel)"`, `"url":"`+r.url, `"path":"/socket.io/"`)
		r.logged("what is said is kept", `"folder":"`+folder, held,
			`"max_age":"7d"`, `"max_messages":100000`, `"max_bytes":"256MiB"`)
		if got := RunningURL(folder); got != r.url {
			t.Errorf("the folder says that Crier is at %q, want %q", got, r.url)
		}
		r.say(t, `"one"`)
		r.say(t, `"two"`)
		r.stop()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
		if got := RunningURL(folder); got != "" {
			t.Errorf("after the end the folder says that Crier is at %q", got)
		}
	}
	reloading(t, nil).logged("kept in memory, and lost when Crier ends", `"max_age":"7d"`)
}

// docker stop kills after 10 s; a second of it is for what the machine is slow at.
func TestByDefaultTheEndIsOverBeforeDockerKills(t *testing.T) {
	if sum := config.Default().DrainTimeout + lastSync + logging.FlushTime; sum > 9500*time.Millisecond {
		t.Errorf("clients, feed and log may take %v", sum)
	}
}

func TestAFolderThatCannotBeUsedIsAPlainLineWithWhatToDo(t *testing.T) {
	folder := t.TempDir()
	inside := filepath.Join(folder, "feed.lock")
	for cause, want := range map[error]string{
		syscall.EROFS:  "it is read-only: mount it so that it can be written",
		syscall.ENOSPC: "the disk is full: make room",
		syscall.EACCES: "Crier may not write to " + folder,
		syscall.EPERM:  "Crier may not write to " + folder,
	} {
		got := explainFolder(folder, &fs.PathError{Op: "open", Path: inside, Err: cause}).Error()
		if !strings.Contains(got, want) || !strings.Contains(got, "setting data") || strings.Contains(got, "\n") {
			t.Errorf("%v: %s", cause, got)
		}
	}
	if os.Getuid() == 0 { // only root can give a folder away
		if err := os.Chown(folder, 65532, 65532); err != nil {
			t.Fatal(err)
		}
		got := explainFolder(folder, &fs.PathError{Op: "open", Path: inside, Err: syscall.EACCES}).Error()
		if want := folder + " belongs to user 65532, and Crier runs as user 0"; !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(settings(func(c *config.Config) { c.Data = file }), slog.New(slog.DiscardHandler)); err == nil ||
		!strings.Contains(err.Error(), "there is a file in its place") || !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("of a file in the folder's place it says %v", err)
	}
}
