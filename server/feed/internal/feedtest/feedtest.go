// Package feedtest has what the tests of a feed and of its stores share.
package feedtest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
)

// Quiet is a logger that nobody reads.
var Quiet = slog.New(slog.DiscardHandler)

// Said returns what ann says now.
func Said(text string) feed.Entry {
	return feed.Entry{At: time.Now().UnixMilli(), From: "ann", ID: "a1", Data: fmt.Appendf(nil, "%q", text)}
}

// Repeatable returns an entry by which an owner's repetition is known.
func Repeatable(owner, key string) feed.Entry {
	e := Said(owner + " " + key)
	e.Owner, e.Key = owner, key
	return e
}

// MustAppend stores entries and returns them with their offsets.
func MustAppend(t testing.TB, s feed.Store, entries ...feed.Entry) []feed.Entry {
	t.Helper()
	if _, err := Append(s, entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

// Append stores entries and returns what became of each.
func Append(s feed.Store, entries []feed.Entry) ([]feed.Result, error) {
	results := make([]feed.Result, len(entries))
	err := s.Append(context.Background(), entries, results)
	for i, r := range results {
		entries[i].Offset = r.Offset
	}
	return results, err
}

// Everything returns what a store holds, and checks that it is what its bounds say.
func Everything(t testing.TB, s feed.Store) []feed.Entry {
	t.Helper()
	entries, err := s.Read(context.Background(), 0, 1<<30, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	CheckBounds(t, s.Bounds(), entries)
	return entries
}

// CheckBounds checks that entries are all that lie within bounds.
func CheckBounds(t testing.TB, b feed.Bounds, entries []feed.Entry) {
	t.Helper()
	if len(entries) == 0 {
		if b.First != b.Last+1 {
			t.Fatalf("nothing is held, and the bounds are %+v", b)
		}
		return
	}
	last := b.First - 1
	for i, e := range entries {
		switch {
		case i == 0 && e.Offset != b.First, e.Offset <= last, e.Offset > last+1 && e.Offset-1 > b.Gap:
			t.Fatalf("entry %d has the offset %d, behind %d; the bounds are %+v", i, e.Offset, last, b)
		}
		last = e.Offset
	}
	if last < b.Last && b.Gap < b.Last {
		t.Fatalf("the newest entry is %d; the bounds are %+v", last, b)
	}
}

// Retire applies limits once.
func Retire(t testing.TB, s feed.Store, now time.Time, l feed.Limits) {
	t.Helper()
	s.Limit(now, l)
	s.Limit(now, feed.Limits{Age: 1 << 62, Entries: math.MaxInt, Bytes: math.MaxInt64})
	if err := s.Retire(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// SameTexts reports whether two lists have the same offsets and data.
func SameTexts(a, b []feed.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b feed.Entry) bool {
		return a.Offset == b.Offset &&
			bytes.Equal(a.Data, b.Data)
	})
}

// Outcome is what a Done was told.
type Outcome struct {
	feed.Result
	Err error
}

// AppendAndWait appends an entry and returns what became of it.
func AppendAndWait(t testing.TB, l *feed.Log, e feed.Entry) Outcome {
	t.Helper()
	o := AppendNow(l, e)
	if o.Err == feed.ErrBusy || o.Err == feed.ErrClosed || o.Err == feed.ErrTooLarge {
		t.Fatal(o.Err)
	}
	return o
}

// AppendNow is AppendAndWait for where there is no test.
func AppendNow(l *feed.Log, e feed.Entry) Outcome {
	told := make(chan Outcome, 1)
	if err := l.Append("", e, func(r feed.Result, err error) { told <- Outcome{r, err} }); err != nil {
		return Outcome{Err: err}
	}
	return <-told
}

// NewLog returns a log that is closed with the test.
func NewLog(t testing.TB, s feed.Store, opts feed.Options) *feed.Log {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = Quiet
	}
	l, err := feed.New(s, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// Ignore is a Done that does nothing.
func Ignore(feed.Result, error) {}

// Poll waits until something is so.
func Poll(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass in 30 s")
		}
	}
}
