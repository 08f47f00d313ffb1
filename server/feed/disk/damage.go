package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crier/crier/server/feed"
)

// Damage is what was found damaged when a store was opened.
type Damage struct {
	Reasons []string    // what, with the file and the bytes
	Aside   string      // the directory that has a copy of what is damaged; "" if there is nothing to copy
	Bounds  feed.Bounds // what the store held afterwards
}

func (d *Damage) String() string {
	text := fmt.Sprintf("the feed was damaged (%s); what is whole is kept, from offset %d on",
		strings.Join(d.Reasons, "; "), d.Bounds.First)
	if d.Bounds.Gap >= d.Bounds.First {
		text += fmt.Sprintf(", with something missing up to %d", d.Bounds.Gap)
	}
	if d.Aside != "" {
		text += "; a copy of what is damaged is in " + d.Aside
	}
	return text
}

const (
	asideName = "feed-damaged-"
	// asidesKept and asideBytes bound what is kept of damage: the oldest goes first, the newest always stays.
	asidesKept = 8
	asideBytes = 64 << 20
)

// setAside copies what is damaged, and moves files out of the way in which nothing is whole.
func (r *recovery) setAside() error {
	if len(r.reasons) == 0 {
		return nil
	}
	d := r.d
	if !r.anyDamagedBytes() {
		return nil
	}
	r.dropOldAsides()
	aside, err := makeAside(d.opts.files, d.dir, d.opts.now())
	if err != nil {
		return fmt.Errorf("it is damaged (%s), and no copy of that can be made: %w", strings.Join(r.reasons, "; "), err)
	}
	r.folder.aside = aside
	for _, s := range r.segments {
		if err := r.copyDamaged(s, aside); err != nil {
			// A disk that fails, or is full, must not keep Crier from what is whole.
			d.opts.Logger.Warn("feed: what is damaged cannot be copied; it stays where it is", "file", s.path, "error", err)
			s.keepFlaws = true
		}
	}
	note := "The feed was damaged: " + strings.Join(r.reasons, "; ") + ".\n" +
		"The files in this folder hold copies of what is damaged; `crier feed check` and `crier feed export` read them. " +
		"Nothing uses them: remove them when you like.\n"
	if err := writeNote(d.opts.files, filepath.Join(aside, "what-happened.txt"), note); err != nil {
		d.opts.Logger.Warn("feed: no note of the damage can be written", "folder", aside, "error", err)
	}
	return errors.Join(d.opts.files.syncDir(aside), d.opts.files.syncDir(d.dir))
}

func (r *recovery) anyDamagedBytes() bool {
	for _, s := range r.segments {
		if s.garbage {
			return true
		}
		for _, f := range s.flaws {
			if !f.cut {
				return true
			}
		}
	}
	return false
}

// copyDamaged makes a segment of the parts of one that are damaged, or of all of it if nothing in it is whole.
func (r *recovery) copyDamaged(s *stored, aside string) error {
	b := appendSegmentHeader(nil, max(1, min(s.segment.version, segmentLatest)), s.segment.base, s.segment.salt)
	some := false
	for _, f := range s.flaws {
		if !f.cut {
			some = true
			b = append(b, s.raw(f.extent)...)
		}
	}
	if s.garbage {
		return r.d.opts.files.rename(s.path, filepath.Join(aside, filepath.Base(s.path)))
	}
	if !some {
		return nil
	}
	return writeFile(r.d.opts.files, filepath.Join(aside, filepath.Base(s.path)), b)
}

// mend closes the flaws of a segment: a hole takes the place of what is damaged, and what is at the end is cut off.
func (s *stored) mend() error {
	if s.keepFlaws {
		return nil
	}
	var err error
	changed := s.headFault != nil
	if s.headFault != nil {
		_, err = s.f.WriteAt(appendSegmentHeader(nil, s.segment.version, s.segment.base, s.segment.salt), 0)
	}
	for _, f := range s.flaws {
		switch size := f.to - f.from; {
		case f.end:
			s.toTrim = true
		case size >= batchHeader && err == nil:
			_, err = s.f.WriteAt(sealHole(size, s.segment.salt), f.from)
			changed = true
		}
	}
	if changed && err == nil {
		err = s.f.Sync()
	}
	return errors.Join(err, s.trim())
}

// dropOldAsides removes the oldest copies of damage until there is room for another.
func (r *recovery) dropOldAsides() {
	d := r.d
	names, _ := d.opts.files.list(d.dir)
	var asides []string
	for _, name := range names { // in order, so the oldest first
		if strings.HasPrefix(name, asideName) {
			asides = append(asides, filepath.Join(d.dir, name))
		}
	}
	sizes := make([]int64, len(asides))
	var sum int64
	for i, aside := range asides {
		files, _ := d.opts.files.list(aside)
		for _, name := range files {
			_, size, _ := d.opts.files.about(filepath.Join(aside, name))
			sizes[i] += size
		}
		sum += sizes[i]
	}
	for i, aside := range asides {
		if len(asides)-i < asidesKept && sum <= asideBytes {
			return
		}
		err := d.opts.files.remove(aside)
		d.opts.Logger.Warn("feed: an old copy of damage was removed, since another is to be made", "folder", aside, "error",
			err)
		sum -= sizes[i]
	}
}

func makeAside(fsys files, dir string, now time.Time) (string, error) {
	name := filepath.Join(dir, asideName+now.UTC().Format("20060102T150405Z"))
	path := name
	for i := 2; ; i++ {
		err := fsys.mkdir(path)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
		path = fmt.Sprintf("%s-%d", name, i)
	}
}

func writeNote(fsys files, path, text string) error { return writeFile(fsys, path, []byte(text)) }

func writeFile(fsys files, path string, b []byte) error {
	f, err := fsys.open(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
