package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what the store needs of an *os.File.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error // returns when the content, and what is needed to find it, is safe
	Close() error
}

// files is the file system. That a file was created, renamed or removed is safe when its directory was synced.
type files interface {
	open(path string, flag int) (file, error)
	list(dir string) ([]string, error) // the names in a directory, in order
	rename(from, to string) error
	remove(path string) error // with all that is inside
	mkdir(dir string) error
	syncDir(dir string) error
	// about tells which file has a name, and its size.
	about(path string) (identity, int64, error)
	// lock takes a file for this process, until it is closed or the process ends in whatever way.
	lock(path string) (io.Closer, error)
}

// An identity tells a file from its copies: the number of its inode and the time of its birth in nanoseconds, 0 where
// the system does not tell it. Both stay with a restart of the machine, another mount point and a container's bind
// mount, which the number of the device does not. The zero value is no file's.
type identity struct {
	inode uint64
	born  int64
}

// realFiles are those of the operating system.
type realFiles struct{}

func (realFiles) open(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (realFiles) list(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (realFiles) rename(from, to string) error { return os.Rename(from, to) }
func (realFiles) remove(path string) error     { return os.RemoveAll(path) }
func (realFiles) mkdir(dir string) error       { return os.Mkdir(dir, 0o700) }
func (realFiles) syncDir(dir string) error     { return syncDir(dir) }

func (realFiles) about(path string) (identity, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return identity{}, 0, err
	}
	id, err := identify(path, info)
	return id, info.Size(), err
}

// makeDir makes a directory and those above that are missing, each for its owner alone and safe.
func makeDir(fsys files, dir string) error {
	_, _, err := fsys.about(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsys.syncDir(parent)
}

// readAll reads a file of a size. What the disk cannot read is zeros, and told.
func readAll(f file, size int64) (data []byte, unreadable []extent, err error) {
	data = make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err == nil || errors.Is(err, io.EOF) {
		return data[:n], nil, nil
	}
	for pos := int64(n) / page * page; pos < size; pos += page {
		end := min(pos+page, size)
		got, failed := f.ReadAt(data[pos:end], pos)
		if errors.Is(failed, io.EOF) {
			return data[:pos+int64(got)], unreadable, nil
		}
		if failed != nil {
			clear(data[pos:end])
			unreadable = append(unreadable, extent{pos, end})
			err = failed
		}
	}
	return data, unreadable, err
}

// page is what a system reads at least, so what it may fail to read.
const page = 4096

// extent is a part of a file.
type extent struct{ from, to int64 }
