package feed_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// recording is a store that is asked when it is told to, and remembers what it was given in one piece.
type recording struct {
	feed.Store
	asked  chan struct{}
	mu     sync.Mutex
	pieces [][]string // whose entries
}

func (r *recording) Append(ctx context.Context, entries []feed.Entry, results []feed.Result) error {
	<-r.asked
	var owners []string
	for _, e := range entries {
		owners = append(owners, e.Owner)
	}
	r.mu.Lock()
	r.pieces = append(r.pieces, owners)
	r.mu.Unlock()
	return r.Store.Append(ctx, entries, results)
}

// One that has thousands waiting must not delay another's entry by more than one batch.
func TestEachTurnHasTheSameShareOfABatch(t *testing.T) {
	s := &recording{Store: memory.New(0), asked: make(chan struct{})}
	l := feedtest.NewLog(t, s, feed.Options{})
	said := func(owner string, i int) feed.Entry {
		e := feedtest.Said(strings.Repeat("x", 2000))
		e.Owner, e.Room = owner, fmt.Sprint(i)
		return e
	}
	var order []string
	l.Follow(func(e *feed.Entry) { order = append(order, e.Owner+e.Room) })
	for i := range 5000 {
		if err := l.Append("greedy", said("greedy", i), feedtest.Ignore); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		for _, owner := range []string{"ann", "bob"} {
			if err := l.Append(owner, said(owner, i), feedtest.Ignore); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(s.asked)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries := 0
	for i, piece := range s.pieces {
		entries += len(piece)
		if i > 3 && (slices.Contains(piece, "ann") || slices.Contains(piece, "bob")) {
			t.Errorf("an entry of another waits for batch %d of %d", i+1, len(s.pieces))
		}
	}
	if entries != 5006 || len(s.pieces) < 30 {
		t.Errorf("%d entries in %d batches", entries, len(s.pieces))
	}
	for owner, n := range map[string]int{"greedy": 5000, "ann": 3, "bob": 3} {
		next := 0
		for _, name := range order {
			if name == fmt.Sprint(owner, next) {
				next++
			} else if strings.HasPrefix(name, owner) {
				t.Fatalf("%s comes when %d is due", name, next)
			}
		}
		if next != n {
			t.Errorf("of %s %d entries came", owner, next)
		}
	}
}

// While many take turns, each gets as much as the other, in bytes.
func TestTurnsAreSharedByBytes(t *testing.T) {
	s := &recording{Store: memory.New(0), asked: make(chan struct{})}
	l := feedtest.NewLog(t, s, feed.Options{})
	for i := range 600 {
		for owner, size := range map[string]int{"large": 9000, "small": 900} {
			e := feedtest.Said(strings.Repeat("x", size))
			e.Owner = owner
			if err := l.Append(owner, e, feedtest.Ignore); err != nil {
				t.Fatal(i, err)
			}
		}
	}
	close(s.asked)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	bytes := map[string]int{}
	for _, piece := range s.pieces[2:5] { // the first ones were filled before anybody had to wait
		for _, owner := range piece {
			bytes[owner] += map[string]int{"large": 9000, "small": 900}[owner]
		}
	}
	if bytes["small"] == 0 || bytes["large"] > bytes["small"]*3/2 || bytes["small"] > bytes["large"]*3/2 {
		t.Errorf("passed on: %v", bytes)
	}
}
