package disk

import (
	"fmt"
	"sync"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func TestEntriesThatComeTogetherShareASync(t *testing.T) {
	var disk faulty
	block, blocked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	l := feedtest.NewLog(t, openDisk(t, t.TempDir(), Options{files: &disk}), feed.Options{})
	base, first := l.Last(), disk.syncs+1
	disk.syncHook = func() { // the first two are for the file and the state
		if disk.syncs == first+2 {
			once.Do(func() { close(blocked); <-block })
		}
	}
	_ = l.Append("", feedtest.Said("first"), feedtest.Ignore)
	<-blocked
	for i := range 500 {
		if err := l.Append("", feedtest.Said(fmt.Sprint(i)), feedtest.Ignore); err != nil {
			t.Fatal(err)
		}
	}
	close(block)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// When it is closed, the file is cut and the end is noted.
	if disk.syncs != first+3+2 || l.Last() != base+501 {
		t.Errorf("%d entries took %d syncs; want one for the first entry and one for the others", l.Last()-base,
			disk.syncs-first-4)
	}
}

func TestNothingIsPublishedBeforeItIsSafe(t *testing.T) {
	var disk faulty
	inSync, goOn := make(chan struct{}), make(chan struct{})
	d := openDisk(t, t.TempDir(), Options{files: &disk})
	if err := d.Probe(t.Context()); err != nil { // begins a file
		t.Fatal(err)
	}
	disk.syncHook = func() { inSync <- struct{}{}; <-goOn }
	l := feedtest.NewLog(t, d, feed.Options{})
	base := l.Last()
	told := make(chan feedtest.Outcome, 1)
	_ = l.Append("", feedtest.Said("a"), func(r feed.Result, err error) { told <- feedtest.Outcome{Result: r, Err: err} })
	<-inSync
	if len(told) != 0 || l.Last() != base {
		t.Error("it was published while the sync was under way")
	}
	if got, _ := l.Read(t.Context(), base, 0, 10, 1000); len(got.Entries) != 0 {
		t.Error("it could be read while the sync was under way")
	}
	disk.mu.Lock()
	disk.syncHook = nil
	disk.mu.Unlock()
	goOn <- struct{}{}
	if o := <-told; o.Offset != base+1 || o.Err != nil {
		t.Errorf("told %+v", o)
	}
}
