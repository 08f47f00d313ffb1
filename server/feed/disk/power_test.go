package disk

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

// seeds is how many runs a test by chance has: all with CRIER_TEST_LONG=1.
func seeds() uint64 {
	if os.Getenv("CRIER_TEST_LONG") == "1" {
		return 1000
	}
	return 100
}

// TestAPowerCutLosesNothingAcknowledged cuts the power up to three times, also while the store is opened, in half of
// the runs on a disk that fails now and then.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	for seed := range seeds() {
		rnd := rand.New(rand.NewPCG(seed, 7))
		w := newWitness(t, newSimDisk(rnd))
		flaky := rnd.IntN(2) == 0
		for range 1 + rnd.IntN(3) {
			w.disk.until = rnd.IntN(250)
			if flaky {
				w.disk.fault = func(string) bool { return rnd.IntN(25) == 0 }
			}
			w.live(1 << 30)
			w.disk = w.disk.crash()
		}
		w.check()
		if t.Failed() {
			t.Fatal("with seed ", seed)
		}
	}
}

// TestWhateverFailsOnceLosesNothing has each operation of each kind fail once, and then cuts the power.
func TestWhateverFailsOnceLosesNothing(t *testing.T) {
	for _, operation := range []string{"sync", "syncDir", "truncate", "rename", "remove", "open", "write", "mkdir"} {
		for nth, failed := 0, true; failed; nth++ {
			for seed := range uint64(2) {
				failed = failOnce(t, operation, nth, seed)
				if t.Failed() {
					t.Fatalf("when the %dth %s fails, with seed %d", nth, operation, seed)
				}
			}
		}
	}
}

// failOnce says whether there was such an operation.
func failOnce(t *testing.T, operation string, nth int, seed uint64) (failed bool) {
	w := newWitness(t, newSimDisk(rand.New(rand.NewPCG(seed, 8))))
	n := 0
	fault := func(op string) bool {
		if op != operation {
			return false
		}
		n++
		failed = failed || n-1 == nth
		return n-1 == nth
	}
	w.disk.fault = fault
	w.live(15)
	w.disk.fault = nil
	w.check()
	w.disk.fault = fault
	w.live(15)
	w.disk = w.disk.crash()
	w.disk.fault = fault
	w.live(3)
	w.disk.fault = nil
	w.disk = w.disk.crash()
	w.check()
	return failed
}

// witness remembers what was acknowledged, over several lives.
type witness struct {
	t       *testing.T
	disk    *simDisk
	now     time.Time
	acked   map[uint64]string
	refused map[string]int // by data: the number of the batch
	batches int
	first   uint64 // what is before it was retired
}

func newWitness(t *testing.T, disk *simDisk) *witness {
	now := time.UnixMilli(1_700_000_000_000)
	return &witness{t: t, disk: disk, now: now, acked: map[uint64]string{}, refused: map[string]int{}}
}

func (w *witness) open() (*Store, error) {
	// The clock stands still, and is now and then set back: that must not matter.
	w.now = w.now.Add(time.Duration(w.disk.rnd.IntN(3)-1) * time.Minute)
	now := func() time.Time { return w.now }
	return Open("/data/feed", Options{SegmentBytes: 20 << 10, Logger: feedtest.Quiet, files: w.disk, now: now})
}

// live opens the store, appends so many batches, and closes it, as far as the disk lets it.
func (w *witness) live(batches int) {
	d, err := w.open()
	if err != nil {
		return
	}
	rnd := w.disk.rnd
	for range batches {
		batch := make([]feed.Entry, 1+rnd.IntN(5))
		for i := range batch {
			batch[i] = feedtest.Said(fmt.Sprint(rnd.Uint64()) + strings.Repeat("x", rnd.IntN(2000)))
		}
		w.append(d, batch)
		if rnd.IntN(8) == 0 {
			d.Limit(w.now, feed.Limits{Age: 1 << 62, Entries: 5 + rnd.IntN(40), Bytes: 1 << 40})
			w.first = max(w.first, d.Bounds().First)
			_ = d.Retire(w.t.Context())
		}
		if w.disk.cut {
			return
		}
	}
	if d.Close() == nil {
		clear(w.refused) // none of it may be there any more
	}
}

func (w *witness) append(d *Store, batch []feed.Entry) {
	results, err := feedtest.Append(d, batch)
	w.batches++
	w.first = max(w.first, d.Bounds().First)
	for i, e := range batch {
		text := string(e.Data)
		switch was, twice := w.acked[results[i].Offset]; {
		case err != nil:
			w.refused[text] = w.batches
		case twice:
			w.t.Errorf("the offset %d is given to %.12s and was to %.12s", results[i].Offset, text, was)
		default:
			w.acked[results[i].Offset] = text
		}
	}
}

// check opens the store and compares.
func (w *witness) check() {
	d, err := w.open()
	if err != nil {
		w.t.Error(err)
		return
	}
	if d.Damage() != nil {
		w.t.Error(d.Damage())
	}
	held, back := map[uint64]string{}, map[int]int{}
	for _, e := range feedtest.Everything(w.t, d) {
		held[e.Offset] = string(e.Data)
		was, ok := w.acked[e.Offset]
		batch := w.refused[string(e.Data)]
		if ok && was != string(e.Data) || !ok && batch == 0 {
			w.t.Errorf("%d is %.12s", e.Offset, e.Data)
		}
		back[batch]++
	}
	for _, batch := range w.refused {
		if n := back[batch]; n > 0 && n != w.sizeOf(batch) {
			w.t.Errorf("%d entries of a refused batch are back, of %d", n, w.sizeOf(batch))
		}
	}
	b := d.Bounds()
	for offset, text := range w.acked {
		if offset >= w.first && held[offset] != text {
			w.t.Errorf("%d was acknowledged and is missing; %+v", offset, b)
		}
		if offset > b.Last {
			w.t.Errorf("%d was acknowledged, and the newest is %d", offset, b.Last)
		}
	}
	w.append(d, []feed.Entry{feedtest.Said("afterwards " + fmt.Sprint(w.disk.rnd.Uint64()))})
	if err := d.Close(); err != nil {
		w.t.Error(err)
	}
	again, err := w.open()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(feedtest.Everything(w.t, again)) != len(held)+1 || again.Bounds().Last != b.Last+1 ||
		again.Bounds().Gap != b.Gap {
		w.t.Errorf("opened again: %+v; before: %+v and one more", again.Bounds(), b)
	}
	if err := again.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *witness) sizeOf(batch int) (n int) {
	for _, b := range w.refused {
		if b == batch {
			n++
		}
	}
	return n
}

// A refused entry is not back after an orderly end, though the disk has taken it and could not cut it off.
func TestARefusedEntryIsNotBackAfterAnOrderlyClose(t *testing.T) {
	disk := newSimDisk(rand.New(rand.NewPCG(1, 1)))
	opts := Options{files: disk, Logger: feedtest.Quiet}
	d, err := Open("/data", opts)
	if err != nil {
		t.Fatal(err)
	}
	a := feedtest.MustAppend(t, d, feedtest.Said("a"))
	disk.fault = func(op string) bool { return op == "sync" || op == "truncate" }
	if _, err := feedtest.Append(d, []feed.Entry{feedtest.Said("refused")}); err == nil {
		t.Fatal("it was taken")
	}
	disk.fault = func(op string) bool { return op == "truncate" }
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	disk.fault = nil
	disk = disk.clone() // what the disk took is there
	opts.files = disk
	if d, err = Open("/data", opts); err != nil {
		t.Fatal(err)
	}
	if got := feedtest.Everything(t, d); len(got) != 1 || d.Bounds().Last != a[0].Offset || d.Damage() != nil {
		t.Errorf("%d entries are there; %+v; %v", len(got), d.Bounds(), d.Damage())
	}
	_ = d.Close()
}

// No other file is begun behind one that could not be cut.
func TestRotationDoesNotGoOverAnUntrimmedFile(t *testing.T) {
	disk := newSimDisk(rand.New(rand.NewPCG(1, 1)))
	d, err := Open("/data", Options{files: disk, Logger: feedtest.Quiet, SegmentBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	all := feedtest.MustAppend(t, d, feedtest.Said(strings.Repeat("x", 3000)))
	disk.fault = func(op string) bool { return op == "sync" || op == "truncate" }
	_, _ = feedtest.Append(d, []feed.Entry{feedtest.Said("failed")})
	disk.fault = func(op string) bool { return op == "truncate" }
	for range 3 {
		if _, err := feedtest.Append(d, []feed.Entry{feedtest.Said(strings.Repeat("y", 3000))}); err == nil {
			t.Error("it was taken")
		}
	}
	if err := d.Probe(t.Context()); err == nil {
		t.Error("the probe says that all is well")
	}
	disk.fault = nil
	all = append(all, feedtest.MustAppend(t, d, feedtest.Said(strings.Repeat("y", 3000)))...)
	if got := feedtest.Everything(t, d); !feedtest.SameTexts(got, all) {
		t.Errorf("%d of %d entries are there", len(got), len(all))
	}
	if bases := disk.bases("/data"); !slices.Equal(bases, []uint64{all[0].Offset, all[1].Offset}) {
		t.Errorf("the files are %v", bases)
	}
}
