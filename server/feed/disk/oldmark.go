package disk

import (
	"fmt"
	"path/filepath"
)

// A mark is what version 1 kept in the place of the state.
type mark struct {
	reserved uint64 // no offset above was ever given
	closed   bool   // the store was closed in good order, holding exactly the following
	first    uint64
	last     uint64
}

// oldMarkPath is where version 1 kept its mark. Now there is a directory of that name: it makes version 1 refuse to
// start ("is a directory"), where it would else take this version's files for damaged and begin an empty feed.
func oldMarkPath(dir string) string { return filepath.Join(dir, "feed.mark") }

const oldMarkFormat = "crier feed 1: reserved %d closed %t first %d last %d"

func (m mark) String() string {
	return withSum(fmt.Sprintf(oldMarkFormat, m.reserved, m.closed, m.first, m.last))
}

// readOldMark returns a nil mark if there is none.
func readOldMark(fsys files, dir string) (*mark, error) {
	if _, err := fsys.list(oldMarkPath(dir)); err == nil {
		return nil, nil // a directory
	}
	text, err := contentOf(fsys, oldMarkPath(dir))
	if err != nil || text == nil {
		return nil, err
	}
	if err := checkStateVersion(string(text), 1, "feed.mark"); err != nil {
		return nil, err
	}
	var m mark
	_, err = fmt.Sscanf(string(text), oldMarkFormat, &m.reserved, &m.closed, &m.first, &m.last)
	if err != nil || m.String() != string(text) || m.reserved > maxOffset || m.last > maxOffset {
		return nil, errStateDamaged
	}
	return &m, nil
}
