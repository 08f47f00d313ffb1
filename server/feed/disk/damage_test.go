package disk

import (
	"bytes"
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
func filled(t *testing.T, dir string, opts Options) (*Store, []feed.Entry) {
	opts.SegmentBytes = 10 << 10
	d := openDisk(t, dir, opts)
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
	for _, base := range listSegments(dir) {
		paths = append(paths, segmentPath(dir, base))
	}
	if len(paths) < 4 {
		t.Fatalf("%d files", len(paths))
	}
	return paths
}

// copyOf returns a directory with the files as a copy made now would have them.
func copyOf(t testing.TB, dir string) string {
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// crashOf returns a directory with the files as a crash would leave them now: those that were written last.
func crashOf(t testing.TB, dir string) string {
	to := copyOf(t, dir)
	if err := Moved(to); err != nil {
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
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0) // the same file
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(how(b))
	_ = f.Close()
}

// expectNoSilentLoss opens a store and checks that each entry is there, or that it is told that some are missing, and
// that nothing else is ever taken for it. It returns what is there.
func expectNoSilentLoss(t *testing.T, fsys files, dir string, all []feed.Entry) ([]feed.Entry, *Damage) {
	t.Helper()
	d := openDisk(t, dir, Options{files: fsys})
	got, bounds, damage := feedtest.Everything(t, d), d.Bounds(), d.Damage()
	for _, e := range got {
		i := slices.IndexFunc(all, func(was feed.Entry) bool { return was.Offset == e.Offset })
		if i < 0 || !bytes.Equal(all[i].Data, e.Data) {
			t.Fatalf("entry %d is not what was stored", e.Offset)
		}
	}
	if len(got) < len(all) {
		missing := slices.IndexFunc(all, func(e feed.Entry) bool { return !holds(got, e.Offset) })
		if since := all[missing].Offset - 1; bounds.Complete(since) || damage == nil {
			t.Fatalf("entry %d is missing; bounds %+v, damage %v", since+1, bounds, damage)
		}
	}
	if damage != nil && damage.Aside != "" {
		note, err := contentOf(fsys, filepath.Join(damage.Aside, "what-happened.txt"))
		if err != nil || !strings.Contains(string(note), damage.Reasons[0]) {
			t.Errorf("the note: %q, %v", note, err)
		}
	}
	last := all[len(all)-1].Offset
	more := feedtest.MustAppend(t, d, feedtest.Said("afterwards"))[0]
	if more.Offset <= last || more.Offset != bounds.Last+1 {
		t.Fatalf("%d is given behind %d and %d", more.Offset, last, bounds.Last)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := openDisk(t, dir, Options{files: fsys})
	if n := len(feedtest.Everything(t, again)); n != len(got)+1 || again.Damage() != nil ||
		again.Bounds().Last != more.Offset {
		t.Fatalf("opened again it holds %d entries, not %d; damage: %v; %+v", n, len(got)+1, again.Damage(), again.Bounds())
	}
	if again.Bounds().Gap != bounds.Gap {
		t.Errorf("the gap up to %d is one up to %d then", bounds.Gap, again.Bounds().Gap)
	}
	_ = again.Close()
	return got, damage
}

func holds(entries []feed.Entry, offset uint64) bool {
	return slices.ContainsFunc(entries, func(e feed.Entry) bool { return e.Offset == offset })
}

// newSim returns a disk in memory that keeps all.
func newSim() *simDisk { return newSimDisk(rand.New(rand.NewPCG(1, 1))) }

// A bit that flips anywhere costs no more than the batch it lies in, whether the store was closed or has crashed.
func TestAFlippedBitCostsTheBatchItLiesIn(t *testing.T) {
	crashed := newSim()
	_, all := filled(t, "/data", Options{files: crashed})
	closed := crashed.clone()
	d := openDisk(t, "/data", Options{files: closed})
	_ = d.Close()
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		disk := []*simDisk{closed, crashed}[i%2].clone()
		bases := disk.bases("/data")
		path := segmentPath("/data", bases[rnd.IntN(len(bases))])
		var at int
		disk.rewrite(path, func(b []byte) []byte {
			at = rnd.IntN(len(bytes.TrimRight(b, "\x00")))
			if i < 120 {
				at = i / 2 // in the header, or in that of the first batch
			}
			b[at] ^= 1 << rnd.IntN(8)
			return b
		})
		got, damage := expectNoSilentLoss(t, disk, "/data", all)
		if len(got) < len(all)-4 || at < segmentHeader && len(got) < len(all) {
			t.Fatalf("byte %d of %s costs %d entries: %v", at, path, len(all)-len(got), damage)
		}
		if damage == nil || !strings.Contains(damage.String(), filepath.Base(path)) {
			t.Errorf("it says %v of %s", damage, path)
		}
		if len(got) < len(all) && disk.names[filepath.Join(damage.Aside, filepath.Base(path))] == nil {
			t.Error("no copy of the damage is there")
		}
	}
}

// TestAFlippedBitInALargeFeedCostsTheBatchItLiesIn is the same for 5,000 entries in 7 files.
func TestAFlippedBitInALargeFeedCostsTheBatchItLiesIn(t *testing.T) {
	whole := newSim()
	d := openDisk(t, "/data", Options{SegmentBytes: 120 << 10, files: whole})
	var all []feed.Entry
	for len(all) < 5000 {
		batch := make([]feed.Entry, 5)
		for i := range batch {
			batch[i] = feedtest.Said(fmt.Sprintf("%0130d", len(all)+i))
		}
		all = append(all, feedtest.MustAppend(t, d, batch...)...)
	}
	_ = d.Close()
	bases := whole.bases("/data")
	if len(bases) != 7 {
		t.Fatalf("%d files", len(bases))
	}
	for i, base := range bases {
		for _, at := range []int{18, 30, 5000 + i, -20} {
			disk := whole.clone()
			disk.rewrite(segmentPath("/data", base), func(b []byte) []byte {
				at = min(at, len(b)-30)
				b[(at+len(b))%len(b)] ^= 4
				return b
			})
			got, damage := expectNoSilentLoss(t, disk, "/data", all)
			if len(got) < len(all)-5 || damage == nil {
				t.Errorf("file %d, byte %d: %d entries are left; %v", i, at, len(got), damage)
			}
		}
	}
}

func TestDamageToTheHeaderOfTheLastBatchIsNoCrash(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{SegmentBytes: 8 << 10})
	all := feedtest.MustAppend(t, d, feedtest.Said("a"))
	start := int(d.segments[0].end)
	all = append(all, feedtest.MustAppend(t, d, feedtest.Said(strings.Repeat("b", 900)))...)
	for i := range batchHeader {
		dir := crashOf(t, dir)
		change(t, segmentPath(dir, all[0].Offset), func(b []byte) []byte { b[start+i] ^= 1; return b })
		if _, damage := expectNoSilentLoss(t, realFiles{}, dir, all); damage == nil {
			t.Fatalf("nothing is told of byte %d", i)
		}
	}
}

// Zeros in what was said make damage look like a write that a power cut has interrupted. Then a new life begins.
func TestDamageThatLooksLikeACrashGivesNoOffsetTwice(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{})
	all := feedtest.MustAppend(t, d, feedtest.Said("a"))
	e := feedtest.Said("picture")
	e.Attachments = [][]byte{make([]byte, 4096)}
	all = append(all, feedtest.MustAppend(t, d, e)...)
	crashed := crashOf(t, dir)
	change(t, segmentPath(crashed, all[0].Offset), func(b []byte) []byte {
		b[bytes.Index(b, []byte("picture"))] ^= 1
		return b
	})
	d = openDisk(t, crashed, Options{})
	b := d.Bounds()
	more := feedtest.MustAppend(t, d, feedtest.Said("c"))[0]
	if more.Offset <= all[1].Offset || b.Complete(all[0].Offset) || b.Complete(all[1].Offset) {
		t.Errorf("the offset %d is given; %+v", more.Offset, b)
	}
}

func TestDamageIsToldOnceAndItsOffsetsAreNeverGivenAgain(t *testing.T) {
	for _, keepState := range []bool{true, false} {
		dir := t.TempDir()
		d, all := filled(t, dir, Options{})
		_ = d.Close()
		for _, path := range segmentsOf(t, dir) {
			change(t, path, func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) })
		}
		if !keepState {
			_ = os.Remove(statePath(dir))
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

func TestFilesThatAreCutOverwrittenOrGoneAreNoticed(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir, Options{})
	_ = d.Close()
	garbage := func(b []byte) []byte { return bytes.Repeat([]byte("garbage "), len(b)/8) }
	last := func(p []string) string { return p[len(p)-1] }
	newest := baseIn(filepath.Base(last(segmentsOf(t, dir))))
	inLast := len(all) - slices.IndexFunc(all, func(e feed.Entry) bool { return e.Offset == newest })
	for name, c := range map[string]struct {
		hurt func(paths []string)
		cost int // at most
	}{
		"the last is cut by a byte": {func(p []string) { change(t, last(p), func(b []byte) []byte { return b[:len(b)-1] }) },
			4},
		"the last is cut to half": {func(p []string) { change(t, last(p), func(b []byte) []byte { return b[:len(b)/2] }) },
			inLast - 1},
		"the last is empty": {func(p []string) { change(t, last(p), func([]byte) []byte { return nil }) }, inLast},
		"the last is zeros": {func(p []string) { change(t, last(p), func(b []byte) []byte { clear(b); return b }) },
			inLast},
		"the last is garbage": {func(p []string) { change(t, last(p), garbage) }, inLast},
		"the last is gone":    {func(p []string) { _ = os.Remove(last(p)) }, inLast},
		"a middle one is cut": {func(p []string) { change(t, p[1], func(b []byte) []byte { return b[:len(b)-100] }) },
			4},
		"a middle one is gone": {func(p []string) { _ = os.Remove(p[1]) }, 80},
		"a page of one is zeros": {func(p []string) {
			change(t, p[1],
				func(b []byte) []byte { clear(b[4096:8192]); return b })
		}, 40},
		"a page of the last is zeros": {func(p []string) {
			change(t, last(p), func(b []byte) []byte { clear(b[:min(len(b), 4096)]); return b })
		}, inLast},
		"all are garbage": {func(p []string) {
			for _, path := range p {
				change(t, path, garbage)
			}
		}, 300},
		"all are gone": {func(p []string) {
			for _, path := range p {
				_ = os.Remove(path)
			}
		}, 300},
		"two have each other's name": {func(p []string) {
			_, _, _ = os.Rename(p[1], p[1]+"x"), os.Rename(p[2], p[1]), os.Rename(p[1]+"x", p[2])
		}, 0},
		"the last and the state are garbage": {func(p []string) {
			change(t, last(p), garbage)
			change(t, statePath(filepath.Dir(p[0])), garbage)
		}, inLast},
		"the last is garbage and the state gone": {func(p []string) {
			change(t, last(p), garbage)
			_ = os.Remove(statePath(filepath.Dir(p[0])))
		}, inLast},
	} {
		t.Run(name, func(t *testing.T) {
			dir := crashOf(t, dir)
			c.hurt(segmentsOf(t, dir))
			got, damage := expectNoSilentLoss(t, realFiles{}, dir, all)
			if damage == nil || len(all)-len(got) > c.cost {
				t.Errorf("%d entries are lost; damage %v", len(all)-len(got), damage)
			}
		})
	}
}

func TestAStateThatIsGoneOrGarbageHarmsNothing(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir, Options{})
	_ = d.Close()
	_ = os.Remove(statePath(dir))
	if got, damage := expectNoSilentLoss(t, realFiles{}, dir, all); len(got) != len(all) || damage != nil {
		t.Errorf("without a state %d entries are there; damage %v", len(got), damage)
	}
	dir = t.TempDir()
	d, all = filled(t, dir, Options{})
	_ = d.Close()
	change(t, statePath(dir), func(b []byte) []byte { b[30] ^= 1; b[stateSlot+30] ^= 1; return b })
	if got, damage := expectNoSilentLoss(t, realFiles{}, dir, all); len(got) != len(all) || damage == nil {
		t.Errorf("with a damaged state %d entries are there; damage %v", len(got), damage)
	}
	// One of its two places is enough.
	dir = t.TempDir()
	d, all = filled(t, dir, Options{})
	_ = d.Close()
	older := (d.state.last.sequence + 1) % 2
	change(t, statePath(dir), func(b []byte) []byte { b[older*stateSlot+30] ^= 1; return b })
	d = openDisk(t, dir, Options{})
	if b := d.Bounds(); b.Last != all[len(all)-1].Offset || d.Damage() != nil {
		t.Errorf("with one place damaged: %+v, %v", b, d.Damage())
	}
}

// TestAnUnfinishedWriteIsCutOffNotMistakenForDamage leaves what a write leaves that a crash interrupted: its start up
// to any byte, or some of its sectors.
func TestAnUnfinishedWriteIsCutOffNotMistakenForDamage(t *testing.T) {
	disk := newSim()
	d := openDisk(t, "/data", Options{SegmentBytes: 8 << 10, files: disk})
	all := feedtest.MustAppend(t, d, feedtest.Said("a"), feedtest.Said(strings.Repeat("b", 900)))
	start := d.segments[0].end
	forged := make([]byte, batchHeader)
	sealBatch(forged, all[1].Offset+2, 0, 7)
	last := feedtest.Said(strings.Repeat("c", 1000))
	last.Attachments = [][]byte{forged, bytes.Repeat([]byte("d"), 3*sector)} // what a client says may look like a batch
	feedtest.MustAppend(t, d, last)
	end := d.segments[0].end
	path := segmentPath("/data", all[0].Offset)
	whole := bytes.Clone(disk.names[path].data)
	expectTwo := func(image []byte) feed.Bounds {
		crashed := disk.clone()
		crashed.rewrite(path, func([]byte) []byte { return image })
		d := openDisk(t, "/data", Options{files: crashed})
		if got := feedtest.Everything(t, d); !feedtest.SameTexts(got, all) || d.Damage() != nil {
			t.Fatalf("%d entries, damage %v", len(got), d.Damage())
		}
		defer d.Close()
		return d.Bounds()
	}
	for cut := start; cut < end; cut += 7 {
		if b := expectTwo(whole[:cut]); b.Last != all[1].Offset {
			t.Fatalf("a write that did not make the file long enough was never acknowledged, and a new life begins: %+v", b)
		}
	}
	for from := start / sector * sector; from < end; from += sector {
		image := bytes.Clone(whole)
		clear(image[max(from, start):min(from+sector, end)])
		if b := expectTwo(image); b.Complete(all[1].Offset) {
			t.Fatalf("a write that may have been acknowledged is missing, and nothing is told: %+v", b)
		}
	}
}
