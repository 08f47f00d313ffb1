package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Damage is what was found damaged when a store was opened.
type Damage struct {
	Reasons []string
	Aside   string // the directory that the files were moved to
	First   uint64 // the oldest offset that the store held afterwards, or will give next
}

func (d *Damage) String() string {
	return fmt.Sprintf("the feed was damaged (%s); its files were moved to %s; nothing before offset %d is held any more",
		strings.Join(d.Reasons, "; "), d.Aside, d.First)
}

// skipUnmarked is how many offsets are skipped after damage if no mark tells which were given. It is more than the
// entries of one segment of the default size can be.
const skipUnmarked = 1 << 24

// removeUnbegun removes the files without entries, or has them set aside with the others if anything is wrong.
func (r *recovery) removeUnbegun() error {
	if len(r.reasons) > 0 {
		r.aside = append(r.aside, r.unbegun...)
		return nil
	}
	for _, path := range r.unbegun {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// checkEnd compares what was found with what the store held when it was closed.
func (r *recovery) checkEnd() {
	m := r.d.mark
	if !m.closed || m.first > m.last || r.lost {
		return
	}
	found := uint64(0)
	if len(r.d.segments) > 0 {
		found = r.next - 1
	}
	if found < m.last {
		r.lost = true
		r.giveUp(fmt.Sprintf("the entries from %d to %d are missing at the end", max(found+1, m.first), m.last))
	}
}

// setBounds sets what is held, so that no offset can be given again.
func (r *recovery) setBounds() {
	d := r.d
	if len(d.segments) > 0 {
		d.first, d.last = d.segments[0].base, r.next-1
		if d.mark.closed && d.mark.first > d.first && d.mark.first <= d.last+1 {
			d.first = d.mark.first
			d.keys.Retire(d.first)
		}
		return
	}
	d.last = max(r.highest, d.mark.reserved)
	if !r.marked && len(r.reasons) > 0 {
		d.last += skipUnmarked
	}
	d.first = d.last + 1
}

// setAside moves what is damaged out of the way. That offsets were given is noted before the files that show it go.
func (r *recovery) setAside() error {
	d := r.d
	aside, err := makeAside(d.dir, time.Now())
	if err != nil {
		return err
	}
	if r.badMark {
		err = moveTo(aside, markPath(d.dir))
	}
	if err == nil {
		err = d.markClosed(d.first)
	}
	if err == nil {
		err = moveTo(aside, r.aside...)
	}
	d.damage = &Damage{Reasons: r.reasons, Aside: aside, First: d.first}
	if err == nil {
		err = writeSynced(filepath.Join(aside, "what-happened.txt"), d.damage.String()+"\n")
	}
	if err != nil {
		return fmt.Errorf("it is damaged (%s) and cannot be set aside: %w", strings.Join(r.reasons, "; "), err)
	}
	d.opts.Logger.Error(d.damage.String())
	return syncDir(d.dir)
}

func makeAside(dir string, now time.Time) (string, error) {
	name := filepath.Join(dir, "feed-damaged-"+now.UTC().Format("20060102T150405Z"))
	path := name
	for i := 2; ; i++ {
		err := os.Mkdir(path, 0o700)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
		path = fmt.Sprintf("%s-%d", name, i)
	}
}

func moveTo(dir string, paths ...string) error {
	for _, path := range paths {
		if err := os.Rename(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return err
		}
	}
	return syncDir(dir)
}
