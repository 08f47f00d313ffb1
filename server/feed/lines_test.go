package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// book is a log that can be read while it is written.
type book struct {
	mu   sync.Mutex // guards the following
	text bytes.Buffer
}

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *book) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSpace(b.text.String()), "\n")
}

func TestCallbacksThatPanicDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b book
		l := feedtest.NewLog(t, memory.New(0), feed.Options{Logger: slog.New(slog.NewTextHandler(&b, nil))})
		for range 1000 {
			told := make(chan struct{})
			err := l.Append("", feedtest.Said("x"), func(feed.Result, error) { close(told); panic("on purpose") })
			if err != nil {
				t.Fatal(err)
			}
			<-told
		}
		synctest.Wait()
		if n := len(b.lines()); n != 10 {
			t.Errorf("a thousand panics are %d lines, want 10", n)
		}
	})
}

func TestAStoreThatFlickersDoesNotFillTheLogWhichEndsWithTheTruth(t *testing.T) {
	for _, last := range []error{errors.New("on purpose"), nil} {
		t.Run(fmt.Sprint(last), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b book
				s := &stubbornStore{Store: memory.New(0)}
				l := feedtest.NewLog(t, s, feed.Options{Logger: slog.New(slog.NewTextHandler(&b, nil))})
				for range 1000 {
					s.fail(errors.New("on purpose"))
					feedtest.AppendAndWait(t, l, feedtest.Said("x"))
					s.fail(nil)
					feedtest.AppendAndWait(t, l, feedtest.Said("x"))
				}
				s.fail(last)
				feedtest.AppendAndWait(t, l, feedtest.Said("x"))
				time.Sleep(time.Minute)
				lines := b.lines()
				if len(lines) > 11 {
					t.Errorf("it is %d lines", len(lines))
				}
				if works := strings.Contains(lines[len(lines)-1], "works again"); works != (last == nil) {
					t.Errorf("in the end the log says %s", lines[len(lines)-1])
				}
			})
		})
	}
}

// heavyStore can give no room back.
type heavyStore struct{ feed.Store }

func (heavyStore) Retire(context.Context) error { return errors.New("on purpose") }

func TestAStoreThatGivesBackNoRoomDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b book
		o := feed.Options{MaxEntries: 100, Logger: slog.New(slog.NewTextHandler(&b, nil))}
		l := feedtest.NewLog(t, heavyStore{memory.New(0)}, o)
		for range 1000 {
			feedtest.AppendAndWait(t, l, feedtest.Said("x"))
		}
		if n := len(b.lines()); n != 10 {
			t.Errorf("it is %d lines, want 10", n)
		}
	})
}
