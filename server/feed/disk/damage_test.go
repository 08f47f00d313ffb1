package disk

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

// filled makes a store of some files and 300 entries, and returns those.
func filled(t *testing.T, dir string) (*Store, []feed.Entry) {
	d := openDisk(t, dir, Options{SegmentBytes: 10 << 10})
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []feed.Entry
	for len(all) < 300 {
		batch := make([]feed.Entry, 1+rnd.IntN(4))
		for i := range batch {
			batch[i] = feedtest.Said(fmt.Sprint(rnd.Uint64()) + strings.Repeat("x", rnd.IntN(300)))
		}
		all = append(all, feedtest.MustAppend(t, d, batch...)...)
	}
	return d, all
}

func segmentsOf(t *testing.T, dir string) (paths []string) {
	bases, err := listSegments(dir)
	if err != nil || len(bases) < 4 {
		t.Fatalf("%d files, %v", len(bases), err)
	}
	for _, base := range bases {
		paths = append(paths, segmentPath(dir, base))
	}
	return paths
}

// copyOf returns a directory with the files as a crash would leave them now.
func copyOf(t *testing.T, dir string) string {
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func change(t *testing.T, path string, how func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, how(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// expectNoSilentLoss opens a store and checks that each entry is there, or damage is told and nothing that is not
// there is ever mistaken. It returns what is there.
func expectNoSilentLoss(t *testing.T, dir string, all []feed.Entry) ([]feed.Entry, *Damage) {
	t.Helper()
	d := openDisk(t, dir, Options{})
	got := feedtest.Everything(t, d)
	last := all[len(all)-1].Offset
	if n := len(got); n > 0 && !feedtest.SameTexts(got, all[len(all)-n:]) {
		t.Fatalf("what is there (%d entries from %d) is not the end of what was stored", n, got[0].Offset)
	}
	damage := d.Damage()
	if len(got) < len(all) && damage == nil {
		t.Fatalf("%d of %d entries are there and no damage is told", len(got), len(all))
	}
	if damage != nil {
		note, err := os.ReadFile(filepath.Join(damage.Aside, "what-happened.txt"))
		if err != nil || !strings.Contains(string(note), damage.Reasons[0]) {
			t.Errorf("the note: %q, %v", note, err)
		}
	}
	if e := feedtest.MustAppend(t, d, feedtest.Said("afterwards")); e[0].Offset <= last {
		t.Fatalf("the offset %d was given twice", e[0].Offset)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := openDisk(t, dir, Options{})
	if n := len(feedtest.Everything(t, again)); n != len(got)+1 || again.Damage() != nil {
		t.Fatalf("opened again it holds %d entries; damage: %v", n, again.Damage())
	}
	_ = again.Close()
	return got, damage
}

func TestEachFlippedBitIsNoticed(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir)
	crashed := copyOf(t, dir)
	_ = d.Close()
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, state := range []string{dir, crashed} {
		for range 60 {
			dir := copyOf(t, state)
			paths := segmentsOf(t, dir)
			path := paths[rnd.IntN(len(paths))]
			change(t, path, func(b []byte) []byte {
				used := len(bytes.TrimRight(b, "\x00"))
				b[rnd.IntN(used)] ^= 1 << rnd.IntN(8)
				return b
			})
			if _, damage := expectNoSilentLoss(t, dir, all); damage == nil {
				t.Fatalf("nothing is told of %s", path)
			} else if !strings.Contains(damage.String(), filepath.Base(path)) {
				t.Errorf("it says %q of %s", damage, path)
			} else if _, err := os.Stat(filepath.Join(damage.Aside, filepath.Base(path))); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestDamageToTheHeaderOfTheLastBatchIsNoCrash(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 8 << 10})
	feedtest.MustAppend(t, d, feedtest.Said("a"))
	start := int(d.segments[0].end)
	all := append([]feed.Entry{}, feedtest.Everything(t, d)...)
	all = append(all, feedtest.MustAppend(t, d, feedtest.Said(strings.Repeat("b", 900)))...)
	for i := range batchHeader {
		dir := copyOf(t, dir)
		change(t, segmentPath(dir, 1), func(b []byte) []byte { b[start+i] ^= 1; return b })
		if _, damage := expectNoSilentLoss(t, dir, all); damage == nil {
			t.Fatalf("nothing is told of byte %d", i)
		}
	}
}

func TestDamageIsToldOnceAndItsOffsetsAreNeverGivenAgain(t *testing.T) {
	for _, keepMark := range []bool{true, false} {
		dir := t.TempDir()
		d, all := filled(t, dir)
		_ = d.Close()
		for _, path := range segmentsOf(t, dir) {
			change(t, path, func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) })
		}
		if !keepMark {
			_ = os.Remove(markPath(dir))
		}
		d = openDisk(t, dir, Options{})
		if d.Damage() == nil {
			t.Fatal("nothing is told")
		}
		crashed := copyOf(t, dir) // before anything was appended
		_ = d.Close()
		for _, dir := range []string{dir, crashed} {
			d = openDisk(t, dir, Options{})
			if d.Damage() != nil {
				t.Errorf("told again: %v", d.Damage())
			}
			if e := feedtest.MustAppend(t, d, feedtest.Said("more")); e[0].Offset <= all[len(all)-1].Offset {
				t.Errorf("the offset %d was given again", e[0].Offset)
			}
			_ = d.Close()
		}
	}
}

func TestWhatLiesBehindTheDamageIsKept(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir)
	_ = d.Close()
	paths := segmentsOf(t, dir)
	change(t, paths[1], func(b []byte) []byte { b[500] ^= 1; return b })
	got, damage := expectNoSilentLoss(t, dir, all)
	if first := fmt.Sprintf("feed-%020d.log", got[0].Offset); first != filepath.Base(paths[2]) || damage.First != got[0].Offset {
		t.Errorf("kept from %s on; damage %v", first, damage)
	}
}

func TestFilesThatAreCutOverwrittenOrGoneAreNoticed(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir)
	_ = d.Close()
	garbage := func(b []byte) []byte { return bytes.Repeat([]byte("garbage "), len(b)/8) }
	for name, hurt := range map[string]func(paths []string){
		"the last is cut by a byte": func(p []string) { change(t, p[len(p)-1], func(b []byte) []byte { return b[:len(b)-1] }) },
		"the last is cut to half":   func(p []string) { change(t, p[len(p)-1], func(b []byte) []byte { return b[:len(b)/2] }) },
		"the last is empty":         func(p []string) { change(t, p[len(p)-1], func([]byte) []byte { return nil }) },
		"the last is zeros":         func(p []string) { change(t, p[len(p)-1], func(b []byte) []byte { clear(b); return b }) },
		"the last is garbage":       func(p []string) { change(t, p[len(p)-1], garbage) },
		"the last is gone":          func(p []string) { _ = os.Remove(p[len(p)-1]) },
		"a middle one is cut":       func(p []string) { change(t, p[1], func(b []byte) []byte { return b[:len(b)-100] }) },
		"a middle one is gone":      func(p []string) { _ = os.Remove(p[1]) },
		"a page of one is zeros":    func(p []string) { change(t, p[1], func(b []byte) []byte { clear(b[4096:8192]); return b }) },
		"a page of the last is zeros": func(p []string) {
			change(t, p[len(p)-1], func(b []byte) []byte { clear(b[:min(len(b), 4096)]); return b })
		},
		"all are garbage": func(p []string) {
			for _, path := range p {
				change(t, path, garbage)
			}
		},
		"all are gone": func(p []string) {
			for _, path := range p {
				_ = os.Remove(path)
			}
		},
		"two have each other's name": func(p []string) {
			_, _, _ = os.Rename(p[1], p[1]+"x"), os.Rename(p[2], p[1]), os.Rename(p[1]+"x", p[2])
		},
		"the last and the mark are garbage": func(p []string) {
			change(t, p[len(p)-1], garbage)
			change(t, markPath(filepath.Dir(p[0])), garbage)
		},
		"the last is garbage and the mark gone": func(p []string) {
			change(t, p[len(p)-1], garbage)
			_ = os.Remove(markPath(filepath.Dir(p[0])))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, dir)
			hurt(segmentsOf(t, dir))
			if _, damage := expectNoSilentLoss(t, dir, all); damage == nil {
				t.Error("nothing is told")
			}
		})
	}
}

func TestAMarkThatIsGoneOrGarbageHarmsNothing(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir)
	_ = d.Close()
	_ = os.Remove(markPath(dir))
	if got, damage := expectNoSilentLoss(t, dir, all); len(got) != len(all) || damage != nil {
		t.Errorf("without a mark %d entries are there; damage %v", len(got), damage)
	}
	dir = t.TempDir()
	d, all = filled(t, dir)
	_ = d.Close()
	change(t, markPath(dir), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	if got, damage := expectNoSilentLoss(t, dir, all); len(got) != len(all) || damage == nil {
		t.Errorf("with a damaged mark %d entries are there; damage %v", len(got), damage)
	}
}

// TestAnUnfinishedWriteIsCutOffNotMistakenForDamage leaves what a write leaves that a crash interrupted: its start up to
// any byte, or some of its sectors.
func TestAnUnfinishedWriteIsCutOffNotMistakenForDamage(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 8 << 10})
	feedtest.MustAppend(t, d, feedtest.Said("a"), feedtest.Said(strings.Repeat("b", 900)))
	start := d.segments[0].end
	forged := make([]byte, batchHeader)
	sealBatch(forged, 4, 0, 7)
	last := feedtest.Said(strings.Repeat("c", 1000))
	last.Attachments = [][]byte{forged, bytes.Repeat([]byte("d"), 3*sector)} // what a client says may look like a batch
	feedtest.MustAppend(t, d, last)
	end := d.segments[0].end
	whole, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	for cut := start; cut < end; cut += 7 {
		expectTwoAndNoDamage(t, whole[:cut])
	}
	for from := start / sector * sector; from < end; from += sector {
		image := bytes.Clone(whole)
		clear(image[max(from, start):min(from+sector, end)])
		expectTwoAndNoDamage(t, image)
	}
}

func expectTwoAndNoDamage(t *testing.T, segment []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(segmentPath(dir, 1), segment, 0o600); err != nil {
		t.Fatal(err)
	}
	d := openDisk(t, dir, Options{})
	if n := len(feedtest.Everything(t, d)); n != 2 || d.Damage() != nil {
		t.Fatalf("%d entries, damage %v", n, d.Damage())
	}
	_ = d.Close()
}

func TestReadingWhatWasDamagedMeanwhileIsAnError(t *testing.T) {
	dir := t.TempDir()
	d, _ := filled(t, dir)
	path := segmentsOf(t, dir)[0]
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteAt([]byte("garbage"), 100)
	_ = f.Close()
	if _, err := d.Read(context.Background(), 0, 10, 1<<20); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Read says: %v", err)
	}
	if got, err := d.ReadBefore(context.Background(), 301, 10, 1<<20); err != nil || len(got) != 10 {
		t.Errorf("what is whole cannot be read: %v", err)
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"feed-1.log", "feed-x.log", "notes.txt", "feed-00000000000000000001.log.bak"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := openDisk(t, dir, Options{})
	feedtest.MustAppend(t, d, feedtest.Said("a"))
	_ = d.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	mine := slices.DeleteFunc(files, func(path string) bool { b, _ := os.ReadFile(path); return string(b) != "mine" })
	if d.Damage() != nil || len(mine) != 4 {
		t.Errorf("damage %v; left %v", d.Damage(), mine)
	}
}
