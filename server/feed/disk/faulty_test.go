package disk

import (
	"io"
	"sync"
)

// faulty stands between a Store and its files: it counts syncs and fails on demand.
type faulty struct {
	realFiles
	mu       sync.Mutex
	syncs    int
	failing  map[string]error // by operation: write, sync, truncate, read, open, rename, remove, mkdir, syncDir
	partial  int              // with a failing write: how many bytes are written all the same
	syncHook func()           // called before each sync
	unread   func(name string, from, to int64) bool
}

func (f *faulty) fail(operation string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing == nil {
		f.failing = map[string]error{}
	}
	f.failing[operation] = err
}

func (f *faulty) err(operation string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failing[operation]
}

func (f *faulty) open(path string, flag int) (file, error) {
	if err := f.err("open"); err != nil {
		return nil, err
	}
	real, err := f.realFiles.open(path, flag)
	return &faultyFile{real, path, f}, err
}

func (f *faulty) remove(path string) error {
	if err := f.err("remove"); err != nil {
		return err
	}
	return f.realFiles.remove(path)
}

func (f *faulty) rename(from, to string) error {
	if err := f.err("rename"); err != nil {
		return err
	}
	return f.realFiles.rename(from, to)
}

func (f *faulty) lock(path string) (io.Closer, error) { return f.realFiles.lock(path) }

type faultyFile struct {
	file
	path   string
	faults *faulty
}

func (f *faultyFile) ReadAt(b []byte, pos int64) (int, error) {
	if f.faults.unread != nil && f.faults.unread(f.path, pos, pos+int64(len(b))) {
		return 0, io.ErrUnexpectedEOF
	}
	return f.file.ReadAt(b, pos)
}

func (f *faultyFile) WriteAt(b []byte, pos int64) (int, error) {
	if err := f.faults.err("write"); err != nil {
		n, _ := f.file.WriteAt(b[:min(len(b), f.faults.partial)], pos)
		return n, err
	}
	return f.file.WriteAt(b, pos)
}

func (f *faultyFile) Sync() error {
	f.faults.mu.Lock()
	f.faults.syncs++
	hook := f.faults.syncHook
	f.faults.mu.Unlock()
	if hook != nil {
		hook()
	}
	if err := f.faults.err("sync"); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.faults.err("truncate"); err != nil {
		return err
	}
	return f.file.Truncate(size)
}
