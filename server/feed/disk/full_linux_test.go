package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func init() {
	childTasks["reach the limit of a file's size"] = func(dir string) { fmt.Println(reachSizeLimit(dir)) }
	childTasks["free a full disk"] = func(dir string) { fmt.Println(freeFullDisk(dir)) }
	childTasks["fill a small disk"] = func(dir string) { fmt.Println(fillSmallDisk(dir)) }
}

// fillAndFree appends until the disk refuses, checks what the laws say, makes room, and appends again.
func fillAndFree(dir string, cause error, free func() error) error {
	d, err := Open(dir, Options{Logger: feedtest.Quiet})
	if err != nil {
		return err
	}
	l, _ := feed.New(d, feed.Options{Logger: feedtest.Quiet})
	base, stored, refused := l.Last(), uint64(0), 0
	for refused < 20 {
		o := feedtest.AppendNow(l, feedtest.Said(strings.Repeat("x", 4000)))
		switch {
		case o.Err == nil:
			stored++
		case errors.Is(o.Err, cause):
			refused++
		default:
			return o.Err
		}
	}
	if !errors.Is(l.Health(), cause) || stored < 20 || l.Last() != base+stored {
		return fmt.Errorf("stored %d, published up to %d; health: %v", stored, l.Last()-base, l.Health())
	}
	if got, err := l.Read(context.Background(), 0, 0, 1000, 1<<30); err != nil || uint64(len(got.Entries)) != stored {
		return fmt.Errorf("of %d entries %d can be read: %v", stored, len(got.Entries), err)
	}
	if err := free(); err != nil {
		return err
	}
	if o := feedtest.AppendNow(l, feedtest.Said("more")); o.Err != nil || o.Offset != base+stored+1 || l.Health() != nil {
		return fmt.Errorf("with room again: %+v; health: %v", o, l.Health())
	}
	if err := l.Close(context.Background()); err != nil {
		return err
	}
	return reopened(dir, base+1, base+stored+1)
}

func reopened(dir string, first, last uint64) error {
	d, err := Open(dir, Options{Logger: feedtest.Quiet})
	if err != nil {
		return err
	}
	defer d.Close()
	if b := d.Bounds(); b.First != first || b.Last != last || d.Damage() != nil {
		return fmt.Errorf("opened again it holds %+v, not %d to %d; damage: %v", b, first, last, d.Damage())
	}
	return nil
}

func reachSizeLimit(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = 300_001
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	return fillAndFree(dir, syscall.EFBIG, func() error {
		limit.Cur = limit.Max
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	})
}

// fillSmallDisk mounts a file system of its own; only this process and its children see it.
func fillSmallDisk(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=700k"); err != nil {
		return fmt.Errorf("skip: %w", err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 200_000), 0o600); err != nil {
		return err
	}
	feed := filepath.Join(dir, "feed")
	if err := fillAndFree(feed, syscall.ENOSPC, func() error { return os.Remove(ballast) }); err != nil {
		return err
	}
	if err := openedWhenFull(feed, ballast); err != nil {
		return err
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("remount: %w", err)
	}
	_, err := Open(feed, Options{Logger: feedtest.Quiet})
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), feed) {
		return fmt.Errorf("on a read-only disk Open says: %w", err)
	}
	return nil
}

// openedWhenFull starts on a full disk: what is there can be read, and nothing can be appended.
func openedWhenFull(dir, ballast string) error {
	if err := os.WriteFile(ballast, make([]byte, 700<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", err)
	}
	d, err := Open(dir, Options{Logger: feedtest.Quiet})
	if err != nil {
		return fmt.Errorf("opening on a full disk: %w", err)
	}
	l, err := feed.New(d, feed.Options{Logger: feedtest.Quiet})
	if err != nil {
		return err
	}
	last := l.Last()
	o := feedtest.AppendNow(l, feedtest.Said(strings.Repeat("x", 100_000)))
	if !errors.Is(o.Err, syscall.ENOSPC) || l.Health() == nil {
		return fmt.Errorf("on a full disk: %+v", o)
	}
	if got, err := l.Before(context.Background(), 0, 10, 1<<20); err != nil || len(got) != 10 {
		return fmt.Errorf("on a full disk %d entries can be read: %w", len(got), err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if o := feedtest.AppendNow(l, feedtest.Said("x")); o.Err != nil || o.Offset != last+1 {
		return fmt.Errorf("with room again: %+v", o)
	}
	return l.Close(context.Background())
}

// A disk that is full, of this feed alone, is made free by retention.
func freeFullDisk(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=700k"); err != nil {
		return fmt.Errorf("skip: %w", err)
	}
	d, err := Open(dir+"/feed", Options{Logger: feedtest.Quiet})
	if err != nil {
		return err
	}
	for err == nil {
		_, err = feedtest.Append(d, []feed.Entry{feedtest.Said(string(make([]byte, 3000)))})
	}
	last := d.Bounds().Last
	fill, _ := os.Create(dir + "/fill") // what is left of the last page
	for err = nil; err == nil; {
		_, err = fill.Write(zeros[:512])
	}
	d.Limit(time.Now().Add(48*time.Hour), feed.Limits{Age: time.Hour, Entries: 1000, Bytes: 1 << 30})
	if err := d.Retire(context.Background()); err != nil {
		return err
	}
	e := []feed.Entry{feedtest.Said("more")}
	if _, err := feedtest.Append(d, e); err != nil {
		return err
	}
	if e[0].Offset != last+1 {
		return os.ErrInvalid
	}
	return d.Close()
}

func TestAFileThatMayNotGrowRefusesAndRecovers(t *testing.T) {
	out, err := child(t, "reach the limit of a file's size", t.TempDir()).Output()
	if err != nil || string(out) != "<nil>\n" {
		t.Errorf("%s%v", out, err)
	}
}

func TestAFullOrReadOnlyDiskRefusesAndRecovers(t *testing.T) { onASmallDisk(t, "fill a small disk") }

func TestAFullDiskIsMadeFreeByRetention(t *testing.T) { onASmallDisk(t, "free a full disk") }

func onASmallDisk(t *testing.T, task string) {
	cmd := child(t, task, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if errors.Is(err, syscall.EPERM) || strings.HasPrefix(string(out), "skip") {
		t.Skipf("a process may not mount here: %s%v", out, err)
	}
	if err != nil || string(out) != "<nil>\n" {
		t.Errorf("%s%v", out, err)
	}
}
