package disk

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A state is what the store must know beside its segments: which offsets may have been given, whose files these are,
// and the lives of the feed. It is written once for thousands of entries, with each new segment, and when the store
// is closed.
type state struct {
	sequence uint64   // of the writes
	self     identity // of the file that holds the state
	reserved uint64   // no offset above was ever given
	closed   bool     // nothing was appended since it was written: the store holds exactly the following
	first    uint64
	last     uint64   // the newest entry; below first if nothing is held
	gap      uint64   // as in feed.Bounds, when the store was opened
	tail     uint64   // the number in the name of the segment that is appended to; 0 for none
	tailFile identity // of that segment
	lives    []life   // the newest of them, in order; the last is the present one
}

// A life begins when it is not known that all offsets that were given are known: with a new folder, with one that was
// copied or put back, or when the newest entries may be lost. Its offsets are above all that can have been given
// before.
type life struct {
	id    uint64 // random
	first uint64 // the first offset that it could give
}

func newLife(first uint64) life {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, since Go 1.24)
	return life{binary.LittleEndian.Uint64(b[:]), first}
}

const (
	// reserve is how many offsets are set aside at a time.
	reserve = 1 << 14
	// livesKept is how many lives a state tells of.
	livesKept = 32
	// stateSlot is the size of one of the two places in the file of the state. They are written in turns, so one of
	// them is whole whatever happens, and no room on the disk is needed for it: a full disk can be made free.
	stateSlot = 4096
)

func statePath(dir string) string { return filepath.Join(dir, "feed.state") }

const (
	stateName    = "crier feed "
	stateVersion = 2
	stateFormat  = "sequence %d self %d %d reserved %d closed %t first %d last %d gap %d tail %d %d %d lives %s"
)

func (s *state) String() string {
	var lives strings.Builder
	for _, l := range s.lives {
		fmt.Fprintf(&lives, "%016x@%d,", l.id, l.first)
	}
	text := fmt.Sprintf("%s%d: "+stateFormat, stateName, stateVersion, s.sequence, s.self.inode, s.self.born, s.reserved,
		s.closed,
		s.first, s.last, s.gap, s.tail, s.tailFile.inode, s.tailFile.born, lives.String())
	return withSum(text)
}

func withSum(text string) string { return fmt.Sprintf("%s sum %08x\n", text, checksum([]byte(text))) }

// slot returns the state as it stands in the file.
func (s *state) slot() []byte {
	return append([]byte(s.String()), make([]byte, stateSlot)...)[:stateSlot]
}

var errStateDamaged = errors.New("cannot be read")

// parseState reads one place.
func parseState(text, name string) (*state, error) {
	text, _, _ = strings.Cut(text, "\n")
	if err := checkStateVersion(text+"\n", stateVersion, name); err != nil {
		return nil, err
	}
	s := &state{}
	var lives string
	_, err := fmt.Sscanf(text, fmt.Sprint(stateName, stateVersion, ": ")+stateFormat, &s.sequence, &s.self.inode,
		&s.self.born,
		&s.reserved, &s.closed, &s.first, &s.last, &s.gap, &s.tail, &s.tailFile.inode, &s.tailFile.born, &lives)
	for _, text := range strings.Split(strings.TrimSuffix(lives, ","), ",") {
		id, first, _ := strings.Cut(text, "@")
		n, failed := strconv.ParseUint(id, 16, 64)
		at, failedToo := strconv.ParseUint(first, 10, 64)
		err = errors.Join(err, failed, failedToo)
		s.lives = append(s.lives, life{n, at})
	}
	if err != nil || s.String() != text+"\n" {
		return nil, errStateDamaged
	}
	return s, nil
}

// checkStateVersion returns an error if a text is whole and of a later version.
func checkStateVersion(text string, known int, name string) error {
	var version int
	_, err := fmt.Sscanf(text, stateName+"%d:", &version)
	body, _, _ := strings.Cut(text, " sum ")
	if err != nil || version <= known || withSum(body) != text {
		return nil
	}
	return fmt.Errorf("%s %w: its format is %d, and this version knows those up to %d; install the newer version again, "+
		"or name another folder", name, errNewer, version, known)
}

// readState returns the state that was written last, or nil if there is none.
func readState(fsys files, dir string) (*state, error) {
	data, err := contentOf(fsys, statePath(dir))
	if err != nil || data == nil {
		return nil, err
	}
	var newest *state
	for slot := range bytes.Lines(bytes.ReplaceAll(data, []byte{0}, nil)) {
		s, err := parseState(string(slot), "feed.state")
		if errors.Is(err, errNewer) {
			return nil, err
		}
		if err == nil && (newest == nil || s.sequence > newest.sequence) {
			newest = s
		}
	}
	if newest == nil {
		return nil, errStateDamaged
	}
	return newest, nil
}

// contentOf returns what a small file holds, with zeros for what the disk cannot read, or nil if there is none.
func contentOf(fsys files, path string) ([]byte, error) {
	_, size, err := fsys.about(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := fsys.open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	data, _, _ := readAll(f, min(size, 1<<20))
	return data, f.Close()
}

// stateFile is where a state is kept.
type stateFile struct {
	f    file
	last state // as it is in the file
}

// renewState puts a file of its own in the place of the state's. So what was copied before, and is copied back over
// the file, is known by its age: it tells another file's identity.
func renewState(fsys files, dir string, s state) (*stateFile, error) {
	path, next := statePath(dir), statePath(dir)+".new"
	f, err := fsys.open(next, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	s.sequence++
	s.self, _, err = fsys.about(next)
	if err == nil {
		_, err = f.WriteAt(append(s.slot(), s.slot()...), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close()) // not every system renames a file that is open
	if err == nil {
		err = fsys.syncDir(dir) // the name too, before it takes the place of the old one
	}
	if err == nil {
		err = fsys.rename(next, path)
	}
	if err == nil {
		err = fsys.syncDir(dir)
	}
	if err == nil {
		f, err = fsys.open(path, os.O_RDWR)
	}
	if err != nil {
		return nil, errors.Join(err, fsys.remove(next))
	}
	return &stateFile{f, s}, nil
}

// reuseState writes a state into the file that there is.
func reuseState(fsys files, dir string, was, s state) (*stateFile, error) {
	path := statePath(dir)
	f, err := fsys.open(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	sf := &stateFile{f: f, last: was}
	s.self, _, err = fsys.about(path)
	if err == nil {
		err = sf.write(s)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return sf, nil
}

// write makes a state safe. When it fails, it may be in the file or not.
func (sf *stateFile) write(s state) error {
	s.sequence = sf.last.sequence + 1
	if s.self == (identity{}) {
		s.self = sf.last.self
	}
	if _, err := sf.f.WriteAt(s.slot(), int64(s.sequence%2)*stateSlot); err != nil {
		return err
	}
	if err := sf.f.Sync(); err != nil {
		return err
	}
	sf.last = s
	return nil
}
