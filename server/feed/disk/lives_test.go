package disk

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

// store appends so many entries in a folder's next life or start, and returns them and what the store held before.
func store(t *testing.T, dir string, opts Options, entries int) ([]feed.Entry, feed.Bounds) {
	t.Helper()
	d := openDisk(t, dir, opts)
	before := d.Bounds()
	var all []feed.Entry
	for range entries {
		all = append(all, feedtest.MustAppend(t, d, feedtest.Said("a"))...)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return all, before
}

// expectSeam checks that a new life has begun, so that nobody who knows an earlier offset believes to be told all.
func expectSeam(t *testing.T, b feed.Bounds, known ...[]feed.Entry) {
	t.Helper()
	for _, entries := range known {
		for _, e := range entries {
			if e.Offset >= b.Last+1 || b.Complete(e.Offset) {
				t.Fatalf("entry %d was given before, and %+v is said to be complete behind it", e.Offset, b)
			}
		}
	}
}

func TestAPlainStartGoesOnCounting(t *testing.T) {
	dir := t.TempDir()
	first, _ := store(t, dir, Options{}, 3)
	second, b := store(t, dir, Options{}, 3)
	if second[0].Offset != first[2].Offset+1 || !b.Complete(first[0].Offset) {
		t.Errorf("%d comes behind %d; %+v", second[0].Offset, first[2].Offset, b)
	}
	d := openDisk(t, dir, Options{})
	feedtest.MustAppend(t, d, feedtest.Said("b"))
	_ = d.lockFile.Close() // as after a crash
	third, b := store(t, dir, Options{}, 1)
	if third[0].Offset != second[2].Offset+2 || !b.Complete(first[0].Offset) {
		t.Errorf("after a crash %d comes behind %d; %+v", third[0].Offset, second[2].Offset+1, b)
	}
	if err := os.Rename(dir, dir+"-elsewhere"); err != nil { // the files stay the same
		t.Fatal(err)
	}
	if _, b := store(t, dir+"-elsewhere", Options{}, 1); !b.Complete(first[0].Offset) {
		t.Errorf("a folder of another name is another feed: %+v", b)
	}
}

func TestOneWhoKnowsNothingIsToldAllOrThatItIsNot(t *testing.T) {
	dir := t.TempDir()
	complete := func(dir, when string, want bool) {
		t.Helper()
		if _, b := store(t, dir, Options{}, 1); b.Complete(0) != want {
			t.Errorf("%s: complete %v, want %v: %+v", when, !want, want, b)
		}
	}
	complete(dir, "a new folder", true)
	complete(dir, "after a plain start", true)
	complete(copyOf(t, dir), "a copy", false)
	d := openDisk(t, dir, Options{})
	d.Limit(time.Now(), feed.Limits{Age: time.Hour, Entries: 1, Bytes: 1 << 20})
	feedtest.MustAppend(t, d, feedtest.Said("the others are retired"))
	if b := d.Bounds(); b.Complete(0) {
		t.Errorf("what was retired is missing: %+v", b)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	complete(dir, "later", false)
}

// The ways to bring back files that are not those written last: into another folder, or over the files that are
// there, by making new ones or by writing into the old ones.
func TestABackupThatIsPutBackBeginsANewLife(t *testing.T) {
	for name, restore := range map[string]func(backup, dir string) error{
		"in the place of the folder": func(backup, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(backup)))
		},
		"file by file": func(backup, dir string) error {
			return eachFile(backup, func(name string, b []byte) error {
				return errors.Join(os.WriteFile(filepath.Join(dir, name+".tmp"), b, 0o600),
					os.Rename(filepath.Join(dir, name+".tmp"), filepath.Join(dir, name)))
			})
		},
		"the segments alone": func(backup, dir string) error {
			for _, base := range listSegments(dir) {
				_ = os.Remove(segmentPath(dir, base))
			}
			return eachFile(backup, func(name string, b []byte) error {
				if baseIn(name) == 0 {
					return nil
				}
				return os.WriteFile(filepath.Join(dir, name), b, 0o600)
			})
		},
		"into the files": func(backup, dir string) error {
			return eachFile(backup, func(name string, b []byte) error {
				return os.WriteFile(filepath.Join(dir, name), b,
					0o600)
			})
		},
	} {
		for _, inUse := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				known, _ := store(t, dir, Options{}, 5)
				var backup string
				if inUse {
					d := openDisk(t, dir, Options{})
					known = append(known, feedtest.MustAppend(t, d, feedtest.Said("b"))...)
					backup = copyOf(t, dir)
					known = append(known, feedtest.MustAppend(t, d, feedtest.Said("c"))...)
					_ = d.Close()
				} else {
					backup = copyOf(t, dir)
				}
				later, _ := store(t, dir, Options{}, 20)
				if err := restore(backup, dir); err != nil {
					t.Fatal(err)
				}
				again, b := store(t, dir, Options{}, 1)
				expectSeam(t, b, known, later)
				if again[0].Offset <= later[19].Offset || b.First != known[0].Offset {
					t.Errorf("%d comes behind %d; %+v", again[0].Offset, later[19].Offset, b)
				}
				if _, b = store(t, dir, Options{}, 1); !b.Complete(again[0].Offset) || b.Complete(again[0].Offset-2) {
					t.Errorf("then a plain start: %+v", b)
				}
			})
		}
	}
}

func eachFile(dir string, f func(name string, b []byte) error) error {
	names, err := realFiles{}.list(dir)
	for _, name := range names {
		b, failed := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(failed, syscall.EISDIR) {
			continue
		}
		err = errors.Join(err, failed, f(name, b))
	}
	return err
}

// After a crash nothing but the file's identity tells that an older copy of it has taken its place.
func TestAnOlderFileInThePlaceOfTheNewestBeginsANewLife(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, Options{})
	known := feedtest.MustAppend(t, d, feedtest.Said("a"), feedtest.Said("b"))
	path := segmentPath(dir, known[0].Offset)
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	later := feedtest.MustAppend(t, d, feedtest.Said("c"))
	_ = d.lockFile.Close() // as after a crash
	if err := errors.Join(os.WriteFile(path+".x", older, 0o600), os.Rename(path+".x", path)); err != nil {
		t.Fatal(err)
	}
	_, b := store(t, dir, Options{}, 0)
	expectSeam(t, b, known, later)
	if _, again := store(t, dir, Options{}, 0); again != b {
		t.Errorf("a plain start, nothing having been said: %+v, before: %+v", again, b)
	}
}

func TestAFolderThatWasRemovedBeginsANewLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "feed")
	first, b := store(t, dir, Options{}, 3)
	if first[0].Offset < uint64(time.Now().Add(-time.Hour).UnixMicro()) || !b.Complete(b.Last) {
		t.Errorf("a new folder begins with %d; %+v", first[0].Offset, b)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, b = store(t, dir, Options{}, 3)
	expectSeam(t, b, first)
	other := t.TempDir()
	theirs, _ := store(t, other, Options{}, 3)
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(other))); err != nil {
		t.Fatal(err)
	}
	_, b = store(t, dir, Options{}, 3)
	expectSeam(t, b, first, theirs)
}

func TestAClockThatIsSetBackGivesNoOffsetTwice(t *testing.T) {
	at := func(year int) Options {
		return Options{now: func() time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }}
	}
	dir := t.TempDir()
	known, _ := store(t, dir, at(2026), 5)
	backup := copyOf(t, dir)
	d := openDisk(t, dir, at(2026))
	for range 20 { // more than are reserved at a time
		feedtest.MustAppend(t, d, make([]feed.Entry, 1000)...)
	}
	_ = d.Close()
	later, _ := store(t, dir, at(2026), 100)
	again, b := store(t, backup, at(1970), 5)
	expectSeam(t, b, known, later)
	if again[0].Offset <= later[99].Offset {
		t.Errorf("%d comes behind %d", again[0].Offset, later[99].Offset)
	}
	more, _ := store(t, dir, at(1970), 1)
	if more[0].Offset != later[99].Offset+1 {
		t.Errorf("a plain start with an earlier clock: %d behind %d", more[0].Offset, later[99].Offset)
	}
}

func TestAFolderThatWasDeclaredMovedGoesOnCounting(t *testing.T) {
	dir := t.TempDir()
	known, _ := store(t, dir, Options{}, 5)
	moved := copyOf(t, dir)
	if err := Moved(moved); err != nil {
		t.Fatal(err)
	}
	more, b := store(t, moved, Options{}, 1)
	if more[0].Offset != known[4].Offset+1 || !b.Complete(known[0].Offset) {
		t.Errorf("%d comes behind %d; %+v", more[0].Offset, known[4].Offset, b)
	}
	d := openDisk(t, moved, Options{})
	if err := Moved(moved); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("while it is in use: %v", err)
	}
	_ = d.Close()
	if err := os.Remove(segmentPath(moved, listSegments(moved)[0])); err != nil {
		t.Fatal(err)
	}
	if err := Moved(moved); err == nil || !strings.Contains(err.Error(), "not whole") {
		t.Errorf("without its newest file: %v", err)
	}
}

// oldFolder makes a folder as version 1 did.
func oldFolder(t *testing.T, closed bool) (dir string, entries []feed.Entry) {
	dir = t.TempDir()
	b := appendSegmentHeader(nil, 1, 1, 5)
	for i := range uint64(10) {
		e := feedtest.Repeatable("ann", string('a'+rune(i)))
		e.Offset = i + 1
		entries = append(entries, e)
		batch := binary.AppendVarint(make([]byte, batchHeader), e.At)
		for _, text := range []string{e.From, e.ID, e.Key, e.Owner, string(e.Data)} {
			batch = appendField(batch, []byte(text))
		}
		batch = append(batch, 0)
		sealHeader(batch, oldBatchMagic, len(batch)-batchHeader, e.Offset, 1, checksum(batch[batchHeader:]), 5)
		b = append(b, batch...)
	}
	m := mark{reserved: 16384}
	if closed {
		m = mark{reserved: 10, closed: true, first: 1, last: 10}
	} else {
		b = append(b, make([]byte, 5000)...)
	}
	err := errors.Join(os.WriteFile(segmentPath(dir, 1), b, 0o600),
		os.WriteFile(oldMarkPath(dir), []byte(m.String()), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return dir, entries
}

func TestAFolderOfTheFirstVersionIsReadAndBeginsANewLifeOnce(t *testing.T) {
	for _, closed := range []bool{true, false} {
		dir, old := oldFolder(t, closed)
		d := openDisk(t, dir, Options{})
		expectSeam(t, d.Bounds(), old)
		if got := feedtest.Everything(t, d); !feedtest.SameTexts(got, old) || got[3].Owner != "ann" || d.Damage() != nil {
			t.Errorf("%d entries are there; damage %v", len(got), d.Damage())
		}
		again := old[3]
		if r, err := feedtest.Append(d, []feed.Entry{again}); err != nil || !r[0].Repeated || !r[0].Same || r[0].Offset != 4 {
			t.Errorf("a repetition of an old entry: %+v, %v", r, err)
		}
		e := feedtest.Said("new")
		e.Kind, e.Room = 3, "lobby"
		e = feedtest.MustAppend(t, d, e)[0]
		_ = d.Close()
		d = openDisk(t, dir, Options{})
		got := feedtest.Everything(t, d)
		if b := d.Bounds(); len(got) != 11 || b.Last != e.Offset || got[10].Kind != 3 || got[10].Room != "lobby" ||
			b.First != 1 {
			t.Errorf("then %d entries; %+v", len(got), b)
		}
		// The first version opens its mark before anything else, and ends with what this says.
		if _, err := os.ReadFile(oldMarkPath(dir)); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the first version would take the folder for its own: %v", err)
		}
	}
}

func TestANewerFormatIsNotTouched(t *testing.T) {
	newerSegment := func(dir string) (string, []byte) {
		return segmentPath(dir, 77), append(appendSegmentHeader(nil, 3, 77, 5), "what only the newer version knows"...)
	}
	newerState := func(dir string) (string, []byte) {
		return statePath(dir), []byte(withSum("crier feed 3: what only the newer version knows"))
	}
	newerMark := func(dir string) (string, []byte) {
		return oldMarkPath(dir), []byte(withSum("crier feed 2: what only the newer version knows"))
	}
	for _, newer := range []func(string) (string, []byte){newerSegment, newerState, newerMark} {
		dir, _ := oldFolder(t, true)
		path, content := newer(dir)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		before := map[string]string{}
		_ = eachFile(dir, func(name string, b []byte) error { before[name] = string(b); return nil })
		_, err := Open(dir, Options{Logger: feedtest.Quiet})
		if err == nil || !errors.Is(err, errNewer) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		after := map[string]string{}
		_ = eachFile(dir, func(name string, b []byte) error { after[name] = string(b); return nil })
		delete(after, "feed.lock")
		if len(after) != len(before) {
			t.Errorf("files came or went: %d, %d", len(before), len(after))
		}
		for name, text := range before {
			if after[name] != text {
				t.Errorf("%s was changed", name)
			}
		}
	}
}

func TestFilesThatLoseTheirNamesAreNotAppendedTo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "feed")
	d := openDisk(t, dir, Options{})
	a := feedtest.MustAppend(t, d, feedtest.Said("a"))
	if err := d.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Check says: %v", err)
	}
	if _, err := feedtest.Append(d, []feed.Entry{feedtest.Said("b")}); err == nil {
		t.Error("an entry was acknowledged")
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	if b := feedtest.MustAppend(t, d, feedtest.Said("b")); b[0].Offset != a[0].Offset+1 {
		t.Errorf("when it is back, the offset is %d", b[0].Offset)
	}
	if err := os.WriteFile(statePath(dir)+".x", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(statePath(dir)+".x", statePath(dir)); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "another file") {
		t.Errorf("Check says: %v", err)
	}
}
