package disk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func init() { childTasks["append until killed"] = appendUntilKilled }

// smallSegments makes several files come into being within one life.
var smallSegments = Options{SegmentBytes: 256 << 10, Logger: feedtest.Quiet}

// appendUntilKilled appends as fast as it can and writes a line for each entry once it is told that it is safe.
func appendUntilKilled(dir string) {
	d, err := Open(dir, smallSegments)
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	l, _ := feed.New(d, feed.Options{Logger: feedtest.Quiet})
	free := make(chan struct{}, 200)
	for i := 0; ; i++ {
		free <- struct{}{}
		text := fmt.Sprintf("%d.%d", os.Getpid(), i)
		_ = l.Append("", feedtest.Said(text+strings.Repeat(" ", i%400)), func(r feed.Result, err error) {
			if _, werr := fmt.Println(r.Offset, text, err); werr != nil {
				os.Exit(1) // nobody listens any more
			}
			<-free
		})
	}
}

func TestAKilledProcessLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[uint64]string{}
	for range 12 {
		runUntilKilled(t, dir, acknowledged)
		d := openDisk(t, dir, smallSegments)
		if d.Damage() != nil {
			t.Fatal(d.Damage())
		}
		stored := map[uint64]string{}
		for _, e := range feedtest.Everything(t, d) {
			stored[e.Offset] = strings.TrimSpace(strings.Trim(string(e.Data), `"`))
		}
		for offset, text := range acknowledged {
			if stored[offset] != text {
				t.Fatalf("%d was acknowledged as %q and is %q", offset, text, stored[offset])
			}
		}
		if rand.IntN(2) == 0 {
			feedtest.MustAppend(t, d, feedtest.Said("between"))
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d entries were acknowledged in 12 lives", len(acknowledged))
}

func runUntilKilled(t *testing.T, dir string, acknowledged map[uint64]string) {
	cmd := child(t, "append until killed", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for left := 1 + rand.IntN(3000); lines.Scan(); left-- {
		if left == 0 {
			_ = cmd.Process.Kill()
		}
		var offset uint64
		var text, outcome string
		if n, _ := fmt.Sscan(lines.Text(), &offset, &text, &outcome); n != 3 || outcome != "<nil>" {
			if left > 0 {
				t.Errorf("the child says %q", lines.Text())
			}
			continue // the line was cut off by the kill
		}
		acknowledged[offset] = text
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
}

func TestWhatAKilledProcessDidNotSyncIsSafeBeforeItIsServed(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 8 << 10})
	feedtest.MustAppend(t, d, feedtest.Said("a"))
	killed := crashOf(t, dir)
	var disk faulty
	disk.fail("sync", syscall.EIO)
	if _, err := Open(killed, Options{Logger: feedtest.Quiet, files: &disk}); !errors.Is(err, syscall.EIO) {
		t.Errorf("where nothing can be synced Open says: %v", err)
	}
	disk.fail("sync", nil)
	before := disk.syncs
	if d = openDisk(t, killed, Options{files: &disk}); disk.syncs == before || len(feedtest.Everything(t, d)) != 1 {
		t.Errorf("%d syncs", disk.syncs-before)
	}
}

func TestAStoreInUseIsNotOpenedTwice(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{})
	_, err := Open(dir, Options{Logger: feedtest.Quiet})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("it says: %v", err)
	}
	_ = d.Close()
	openDisk(t, dir, Options{})
}

func TestTheDirectoryIsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "feed")
	d := openDisk(t, dir, Options{})
	feedtest.MustAppend(t, d, feedtest.Said("a"))
	files, _ := os.ReadDir(dir)
	all := []string{dir}
	for _, f := range files {
		all = append(all, filepath.Join(dir, f.Name()))
	}
	for _, path := range all {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestAReaderInTheMiddleOfRetiringGetsNoGap(t *testing.T) {
	d := openDisk(t, t.TempDir(), Options{SegmentBytes: 8 << 10})
	l := feedtest.NewLog(t, d, feed.Options{MaxEntries: 200, Recent: 1})
	base := l.Last()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			got, err := l.Read(context.Background(), l.Bounds().First-1, 0, 1000, 1<<20)
			if err != nil {
				t.Error(err)
			}
			for i := 1; i < len(got.Entries); i++ {
				if was, is := got.Entries[i-1].Offset, got.Entries[i].Offset; is != was+1 {
					t.Errorf("%d follows %d", is, was)
				}
			}
		}
	}()
	for i := range 3000 {
		feedtest.Poll(t, func() bool {
			return l.Append("", feedtest.Said(fmt.Sprint(i, strings.Repeat("x", 300))), feedtest.Ignore) == nil
		})
	}
	feedtest.Poll(t, func() bool { return l.Last() == base+3000 })
	stop()
	<-ended
}
