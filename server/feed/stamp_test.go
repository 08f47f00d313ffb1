package feed

import (
	"testing"
	"testing/synctest"
	"time"
)

// Those who sort by At must not see what was said later before what was said earlier.
func TestTheTimeDoesNotGoBackWithAClockThatIsSetRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := func(by time.Duration) Entry {
			e := said("a")
			e.At = time.Now().Add(by).UnixMilli()
			return e
		}
		s := NewMemory(0)
		mustAppend(t, s, ahead(59*time.Second)) // by the clock of a former life
		l := newLog(t, s, Options{})
		told := make(chan int64, 1)
		now := func() int64 {
			if err := l.Append(Entry{Data: []byte("1")}, func(e *Entry, _ bool, _ error) { told <- e.At }); err != nil {
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
		mustAppend(t, s, ahead(time.Hour))
		l = newLog(t, s, Options{})
		if got := now(); got != 0 {
			t.Errorf("the entry behind one of an hour ahead is %d ms ahead", got)
		}
	})
}
