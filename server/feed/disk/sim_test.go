package disk

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// simDisk is a disk in memory that can lose whatever was not synced: data, by sectors; truncations; and, until their
// directory was synced, that files were made, renamed or removed. Each is lost or kept by chance, whatever became of
// the others.
type simDisk struct {
	mu      sync.Mutex // guards the following
	rnd     *rand.Rand
	names   map[string]*simFile // a directory is a file without content
	safe    map[string]*simFile
	pending []nameChange
	inodes  uint64
	until   int // operations until the power is cut; below 0: it is not
	cut     bool
	fault   func(operation string) bool // says which operations fail
}

type nameChange struct {
	dir   string
	apply func(names map[string]*simFile)
}

type simFile struct {
	disk    *simDisk
	id      identity
	dir     bool
	data    []byte
	safe    []byte
	pending []func(image []byte, rnd *rand.Rand) []byte
}

func newSimDisk(rnd *rand.Rand) *simDisk {
	d := &simDisk{rnd: rnd, until: -1, names: map[string]*simFile{"/": {dir: true}}}
	d.safe = maps.Clone(d.names)
	return d
}

// does counts an operation, and says whether it fails.
func (d *simDisk) does(operation string) error {
	if d.until >= 0 {
		if d.until--; d.until < 0 {
			d.cut = true
		}
	}
	if d.cut || d.fault != nil && d.fault(operation) {
		return syscall.EIO
	}
	return nil
}

func (d *simDisk) change(path string, apply func(map[string]*simFile)) {
	apply(d.names)
	d.pending = append(d.pending, nameChange{filepath.Dir(path), apply})
}

func (d *simDisk) open(path string, flag int) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.does("open"); err != nil {
		return nil, err
	}
	f := d.names[path]
	switch {
	case f == nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case f == nil:
		d.inodes++
		f = &simFile{disk: d, id: identity{d.inodes, 1}}
		d.change(path, func(names map[string]*simFile) { names[path] = f })
	case flag&os.O_TRUNC != 0:
		f.truncate(0)
	}
	return f, nil
}

func (d *simDisk) list(dir string) (names []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[dir]; f == nil || !f.dir {
		return nil, fs.ErrNotExist
	}
	for path := range d.names {
		if filepath.Dir(path) == dir && path != dir {
			names = append(names, filepath.Base(path))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *simDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.does("rename"); err != nil {
		return err
	}
	f := d.names[from]
	if f == nil {
		return fs.ErrNotExist
	}
	d.change(from, func(names map[string]*simFile) { delete(names, from); names[to] = f })
	return nil
}

func (d *simDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.does("remove"); err != nil {
		return err
	}
	for name := range d.names {
		if name == path || strings.HasPrefix(name, path+"/") {
			d.change(name, func(names map[string]*simFile) { delete(names, name) })
		}
	}
	return nil
}

func (d *simDisk) mkdir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.does("mkdir"); err != nil {
		return err
	}
	if d.names[dir] != nil {
		return fs.ErrExist
	}
	f := &simFile{disk: d, dir: true}
	d.change(dir, func(names map[string]*simFile) { names[dir] = f })
	return nil
}

func (d *simDisk) syncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.does("syncDir"); err != nil {
		return err
	}
	d.pending = slices.DeleteFunc(d.pending, func(c nameChange) bool {
		if c.dir == dir {
			c.apply(d.safe)
		}
		return c.dir == dir
	})
	return nil
}

func (d *simDisk) about(path string) (identity, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[path]
	if f == nil {
		return identity{}, 0, fs.ErrNotExist
	}
	return f.id, int64(len(f.data)), nil
}

func (d *simDisk) lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (f *simFile) ReadAt(b []byte, pos int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.dir {
		return 0, syscall.EISDIR
	}
	if pos >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[pos:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simFile) WriteAt(b []byte, pos int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.does("write"); err != nil {
		return 0, err
	}
	b = bytes.Clone(b)
	write := func(image []byte, rnd *rand.Rand) []byte {
		for from := 0; from < len(b); {
			to := min(len(b), from+sector-(int(pos)+from)%sector)
			if rnd == nil || rnd.IntN(3) > 0 {
				image = append(image, make([]byte, max(0, int(pos)+to-len(image)))...)
				copy(image[int(pos)+from:], b[from:to])
			}
			from = to
		}
		return image
	}
	f.data = write(f.data, nil)
	f.pending = append(f.pending, write)
	return len(b), nil
}

func (f *simFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.does("truncate"); err != nil {
		return err
	}
	f.truncate(int(size))
	return nil
}

func (f *simFile) truncate(size int) {
	cut := func(image []byte, rnd *rand.Rand) []byte {
		if rnd != nil && rnd.IntN(3) == 0 {
			return image
		}
		return slices.Clip(image[:min(len(image), size)])
	}
	f.data = cut(f.data, nil)
	f.pending = append(f.pending, cut)
}

func (f *simFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	wasCut := f.disk.cut
	if err := f.disk.does("sync"); err != nil {
		if !wasCut && !f.disk.cut {
			f.settle(f.disk.rnd) // the kernel forgets what it could not write
		}
		return err
	}
	f.settle(nil)
	return nil
}

func (f *simFile) settle(rnd *rand.Rand) {
	for _, write := range f.pending {
		f.safe = write(f.safe, rnd)
	}
	f.pending = nil
}

func (f *simFile) Close() error { return nil }

// clone returns a disk with the same files, which keep their identities, as they are now.
func (d *simDisk) clone() *simDisk {
	c := &simDisk{rnd: d.rnd, until: -1, inodes: d.inodes, names: map[string]*simFile{}}
	copies := map[*simFile]*simFile{}
	for name, f := range d.names {
		if copies[f] == nil {
			copies[f] = &simFile{disk: c, id: f.id, dir: f.dir, data: bytes.Clone(f.data), safe: bytes.Clone(f.data)}
		}
		c.names[name] = copies[f]
	}
	c.safe = maps.Clone(c.names)
	return c
}

// crash returns the disk as it is when the power is back.
func (d *simDisk) crash() *simDisk {
	for _, c := range d.pending {
		if d.rnd.IntN(3) > 0 {
			c.apply(d.safe)
		}
	}
	after := &simDisk{rnd: d.rnd, until: -1, inodes: d.inodes, names: map[string]*simFile{}}
	copies := map[*simFile]*simFile{}
	for name, f := range d.safe {
		if copies[f] == nil {
			f.settle(d.rnd)
			copies[f] = &simFile{disk: after, id: f.id, dir: f.dir, data: bytes.Clone(f.safe), safe: bytes.Clone(f.safe)}
		}
		after.names[name] = copies[f]
	}
	maps.DeleteFunc(after.names, func(name string, _ *simFile) bool { return !after.reaches(filepath.Dir(name)) })
	after.safe = maps.Clone(after.names)
	return after
}

// reaches tells whether a directory and all above it are there.
func (d *simDisk) reaches(dir string) bool {
	return dir == "/" || d.names[dir] != nil && d.reaches(filepath.Dir(dir))
}

// rewrite changes what a file holds.
func (d *simDisk) rewrite(path string, how func([]byte) []byte) {
	f := d.names[path]
	f.data = how(bytes.Clone(f.data))
	f.safe = bytes.Clone(f.data)
}

// bases returns the numbers in the names of the segments.
func (d *simDisk) bases(dir string) (bases []uint64) {
	names, _ := d.list(dir)
	for _, name := range names {
		if base := baseIn(name); base > 0 {
			bases = append(bases, base)
		}
	}
	return bases
}
