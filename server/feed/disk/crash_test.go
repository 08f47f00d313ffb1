package disk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// cuttable stands between a Disk and its files and keeps what would be on the disk if the power were cut: what was
// synced, and of each sector written since, the old or the new content.
type cuttable struct {
	rnd   *rand.Rand
	files map[string]*cuttableFile
	until int // syncs until the power is cut
	cut   bool
	flaky bool // some syncs fail before
}

type cuttableFile struct {
	file
	disk    *cuttable
	safe    []byte
	pending []func(image []byte, rnd *rand.Rand) []byte // not synced yet
}

func (c *cuttable) open(path string, flag int) (file, error) {
	real, err := openFile(path, flag)
	f := &cuttableFile{file: real, disk: c}
	c.files[filepath.Base(path)] = f
	return f, err
}

func (f *cuttableFile) WriteAt(b []byte, pos int64) (int, error) {
	b = bytes.Clone(b)
	f.pending = append(f.pending, func(image []byte, rnd *rand.Rand) []byte {
		for from := 0; from < len(b); {
			to := min(len(b), from+sector-(int(pos)+from)%sector)
			if rnd == nil || rnd.IntN(3) > 0 {
				image = append(image, zeros[:max(0, int(pos)+to-len(image))]...)
				copy(image[int(pos)+from:], b[from:to])
			}
			from = to
		}
		return image
	})
	return f.file.WriteAt(b, pos)
}

func (f *cuttableFile) Truncate(size int64) error {
	f.pending = append(f.pending, func(image []byte, _ *rand.Rand) []byte { return image[:min(len(image), int(size))] })
	return f.file.Truncate(size)
}

func (f *cuttableFile) Sync() error {
	f.disk.until--
	switch {
	case f.disk.cut || f.disk.until < 0:
		f.disk.cut = true
		return syscall.EIO
	case f.disk.flaky && f.disk.rnd.IntN(4) == 0:
		f.apply(f.disk.rnd) // the kernel forgets what it could not write
		return syscall.EIO
	}
	f.apply(nil)
	return nil // the real file need not be safe
}

func (f *cuttableFile) apply(rnd *rand.Rand) {
	for _, write := range f.pending {
		f.safe = write(f.safe, rnd)
	}
	f.pending = nil
}

// writeImages writes what is on the disk after the cut.
func (c *cuttable) writeImages(t *testing.T, from, to string) {
	for name, f := range c.files {
		f.apply(c.rnd)
		if err := os.WriteFile(filepath.Join(to, name), f.safe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := readMark(from); err == nil && m != nil {
		if err := m.write(to); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	for seed := range uint64(100) {
		cutThePower(t, rand.New(rand.NewPCG(seed, 7)))
		if t.Failed() {
			t.Fatal("with seed ", seed)
		}
	}
}

func cutThePower(t *testing.T, rnd *rand.Rand) {
	c := &cuttable{rnd: rnd, files: map[string]*cuttableFile{}, until: rnd.IntN(40), flaky: rnd.IntN(2) == 0}
	before, after := t.TempDir(), t.TempDir()
	d := openDisk(t, before, Options{SegmentBytes: 20 << 10, open: c.open})
	var safe []feed.Entry
	var failed [][]feed.Entry
	for !c.cut {
		var batch []feed.Entry
		for range 1 + rnd.IntN(5) {
			batch = append(batch, feedtest.Said(fmt.Sprint(rnd.Uint64())+strings.Repeat("x", rnd.IntN(2000))))
		}
		if _, err := feedtest.Append(d, batch); err != nil {
			failed = append(failed, batch)
			continue
		}
		safe, failed = append(safe, batch...), nil
	}
	c.writeImages(t, before, after)
	d = openDisk(t, after, Options{})
	if d.Damage() != nil {
		t.Fatal(d.Damage())
	}
	got := feedtest.Everything(t, d)
	if len(got) < len(safe) || !feedtest.SameTexts(got[:len(safe)], safe) {
		t.Fatalf("%d entries were acknowledged and %d are there", len(safe), len(got))
	}
	rest := got[len(safe):]
	if len(rest) > 0 && !slices.ContainsFunc(failed, func(b []feed.Entry) bool { return feedtest.SameTexts(rest, b) }) {
		t.Errorf("%d entries came back that are not one failed batch", len(rest))
	}
	last := uint64(0)
	if len(got) > 0 {
		last = got[len(got)-1].Offset
	}
	if e := feedtest.MustAppend(t, d, feedtest.Said("afterwards")); e[0].Offset <= last {
		t.Errorf("the offset %d was given again", e[0].Offset)
	}
}

func TestWhatAKilledProcessDidNotSyncIsSafeBeforeItIsServed(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 8 << 10})
	feedtest.MustAppend(t, d, feedtest.Said("a"))
	killed := copyOf(t, dir)
	var disk faulty
	disk.fail("sync", syscall.EIO)
	if _, err := Open(killed, Options{Logger: feedtest.Quiet, open: disk.open}); !errors.Is(err, syscall.EIO) {
		t.Errorf("where nothing can be synced Open says: %v", err)
	}
	disk.fail("sync", nil)
	before := disk.syncs
	if d = openDisk(t, killed, Options{open: disk.open}); disk.syncs == before || len(feedtest.Everything(t, d)) != 1 {
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
	feedtest.Poll(t, func() bool { return l.Last() == 3000 })
	stop()
	<-ended
}
