package feed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// Those who sort by At must not see what was said later before what was said earlier.
func TestTheTimeDoesNotGoBackWithAClockThatIsSetRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := func(by time.Duration) feed.Entry {
			e := feedtest.Said("a")
			e.At = time.Now().Add(by).UnixMilli()
			return e
		}
		s := memory.New(0)
		feedtest.MustAppend(t, s, ahead(59*time.Second)) // by the clock of a former life
		l := feedtest.NewLog(t, s, feed.Options{})
		told := make(chan int64, 1)
		now := func() int64 {
			if err := l.Append("", feed.Entry{Data: []byte("1")}, func(r feed.Result, _ error) { told <- r.At }); err != nil {
				t.Fatal(err)
			}
			return <-told - time.Now().UnixMilli()
		}
		if got := now(); got != 59_000 {
			t.Errorf("the entry behind one of 59 s ahead is %d ms ahead", got)
		}
		time.Sleep(time.Minute)
		if got := now(); got != 0 {
			t.Errorf("when the clock has caught up, the entry is %d ms ahead", got)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		feedtest.MustAppend(t, s, ahead(time.Hour))
		l = feedtest.NewLog(t, s, feed.Options{})
		if got := now(); got != 0 {
			t.Errorf("the entry behind one of an hour ahead is %d ms ahead", got)
		}
	})
}
