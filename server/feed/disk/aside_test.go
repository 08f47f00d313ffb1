package disk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed/internal/feedtest"
)

func TestReadingWhatWasDamagedMeanwhileIsAnError(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir, Options{})
	path := segmentsOf(t, dir)[0]
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteAt([]byte("garbage"), 100)
	_ = f.Close()
	if _, err := d.Read(t.Context(), 0, 10, 1<<20); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Read says: %v", err)
	}
	if got, err := d.ReadBefore(t.Context(), all[299].Offset+1, 10, 1<<20); err != nil || len(got) != 10 {
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

func TestASectorThatCannotBeReadCostsWhatLiesInIt(t *testing.T) {
	dir := t.TempDir()
	d, all := filled(t, dir, Options{})
	_ = d.Close()
	bad := segmentsOf(t, dir)[1]
	disk := faulty{unread: func(path string, from, to int64) bool { return path == bad && from < 4608 && to > 4096 }}
	d = openDisk(t, dir, Options{files: &disk})
	got, b := feedtest.Everything(t, d), d.Bounds()
	if len(got) < 250 || len(got) == 300 || d.Damage() == nil || !strings.Contains(d.Damage().String(), "cannot read") {
		t.Errorf("%d entries are there; %v", len(got), d.Damage())
	}
	if b.Last != all[299].Offset || b.Complete(all[20].Offset) || !b.Complete(all[290].Offset) {
		t.Errorf("%+v", b)
	}
	_ = d.Close()
	if d = openDisk(t, dir, Options{files: &disk}); d.Damage() != nil {
		t.Errorf("told again: %v", d.Damage())
	}
}

func TestWhatIsSetAsideIsBounded(t *testing.T) {
	dir := t.TempDir()
	d, _ := filled(t, dir, Options{})
	_ = d.Close()
	for i := range 12 {
		change(t, segmentsOf(t, dir)[i%4], func(b []byte) []byte { b[1000+2500*(i/4)] ^= 1; return b })
		d := openDisk(t, dir, Options{})
		if d.Damage() == nil {
			t.Fatal("nothing is told")
		}
		if _, err := os.Stat(d.Damage().Aside); err != nil {
			t.Error(err)
		}
		_ = d.Close()
	}
	if asides, _ := filepath.Glob(filepath.Join(dir, asideName+"*")); len(asides) > asidesKept {
		t.Errorf("%d are kept", len(asides))
	}
}
