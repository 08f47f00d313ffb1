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
	disk.syncHook = func() { // the first is for the file
		if disk.syncs == 2 {
			once.Do(func() { close(blocked); <-block })
		}
	}
	l := feedtest.NewLog(t, openDisk(t, t.TempDir(), Options{open: disk.open}), feed.Options{})
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
	if disk.syncs != 3 || l.Last() != 501 {
		t.Errorf("%d entries took %d syncs; want one for the file, the first entry and the others", l.Last(), disk.syncs)
	}
}

func TestNothingIsPublishedBeforeItIsSafe(t *testing.T) {
	var disk faulty
	inSync, goOn := make(chan struct{}), make(chan struct{})
	d := openDisk(t, t.TempDir(), Options{open: disk.open})
	if err := d.Probe(t.Context()); err != nil { // begins a file
		t.Fatal(err)
	}
	disk.syncHook = func() { inSync <- struct{}{}; <-goOn }
	l := feedtest.NewLog(t, d, feed.Options{})
	told := make(chan feedtest.Outcome, 1)
	_ = l.Append("", feedtest.Said("a"), func(r feed.Result, err error) { told <- feedtest.Outcome{Result: r, Err: err} })
	<-inSync
	if len(told) != 0 || l.Last() != 0 {
		t.Error("it was published while the sync was under way")
	}
	if got, _ := l.Read(t.Context(), 0, 0, 10, 1000); len(got.Entries) != 0 {
		t.Error("it could be read while the sync was under way")
	}
	goOn <- struct{}{}
	if o := <-told; o.Offset != 1 || o.Err != nil {
		t.Errorf("told %+v", o)
	}
}
