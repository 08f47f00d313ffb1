package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crier/crier/server/feed"
)

// A mark is what the store must know even if every segment is lost: which offsets may have been given. It is a small
// file that is written once for thousands of entries, and when the store is closed.
type mark struct {
	reserved uint64 // no offset above was ever given
	closed   bool   // the store was closed in good order, holding exactly the following
	first    uint64
	last     uint64
}

// reserve is how many offsets are set aside at a time. As many may be skipped after damage.
const reserve = 1 << 14

func markPath(dir string) string { return filepath.Join(dir, "feed.mark") }

const markFormat = "crier feed 1: reserved %d closed %t first %d last %d"

func (m mark) String() string {
	text := fmt.Sprintf(markFormat, m.reserved, m.closed, m.first, m.last)
	return fmt.Sprintf("%s sum %08x\n", text, checksum([]byte(text)))
}

func parseMark(text string) (mark, error) {
	var m mark
	_, err := fmt.Sscanf(text, markFormat, &m.reserved, &m.closed, &m.first, &m.last)
	if err != nil || m.String() != text {
		return mark{}, errors.New("feed: the mark is damaged")
	}
	return m, nil
}

// readMark returns a nil mark if there is none.
func readMark(dir string) (*mark, error) {
	text, err := os.ReadFile(markPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseMark(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", feed.ErrDamaged, markPath(dir))
	}
	return &m, nil
}

// write replaces the mark, whole or not at all.
func (m mark) write(dir string) error {
	next := markPath(dir) + ".new"
	if err := writeSynced(next, m.String()); err != nil {
		_ = os.Remove(next)
		return err
	}
	if err := os.Rename(next, markPath(dir)); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
