package logging

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a descriptor that does as it is told.
type sink struct {
	mu    sync.Mutex // guards the following
	text  bytes.Buffer
	fault error
	room  int           // bytes that are taken before fault
	hold  chan struct{} // each write waits for it
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		return s.text.Write(b)
	}
	n, _ := s.text.Write(b[:min(s.room, len(b))])
	s.room -= n
	return n, s.fault
}

func (s *sink) set(fault error, room int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.room = fault, room
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func lost(n uint64) []byte { return fmt.Appendf(nil, "(%d lost)\n", n) }

// drive runs a test with lines that go to a sink; each step ends when the goroutine has nothing more to do.
func drive(t *testing.T, test func(s *sink, l *lines)) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		l := newLines(s, lost)
		test(s, l)
		if !l.close(time.Minute) {
			t.Error("it has not ended")
		}
	})
}

func TestLinesComeOutInOrderAndNoneIsMissing(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		var want strings.Builder
		for i := range 5000 {
			line := fmt.Sprintln("line", i)
			want.WriteString(line)
			l.write([]byte(line))
		}
		l.close(time.Minute)
		if s.String() != want.String() || l.lost.Load() != 0 {
			t.Errorf("%d bytes came out of %d, %d lines are lost", len(s.String()), want.Len(), l.lost.Load())
		}
	})
}

func TestWhatABrokenDescriptorDoesNotTakeIsCountedAndToldWhenItWorksAgain(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		say := func(text string) {
			l.write([]byte(text))
			synctest.Wait()
		}
		say("one\n")
		s.set(syscall.EPIPE, 0)
		say("two\n")
		say("three\n")
		if got := l.lost.Load(); got != 2 {
			t.Errorf("%d lines are lost, want 2", got)
		}
		s.set(nil, 0)
		say("four\n")
		say("five\n")
		if want := "one\n(2 lost)\nfour\nfive\n"; s.String() != want {
			t.Errorf("got %q, want %q", s.String(), want)
		}
	})
}

func TestALineThatBreaksOffIsFollowedByANewOne(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		s.set(errors.New("no space left on device"), 8)
		l.write([]byte("whole\nhalf\n"))
		synctest.Wait()
		s.set(nil, 0)
		l.write([]byte("next\n"))
		synctest.Wait()
		if want := "whole\nha\n(1 lost)\nnext\n"; s.String() != want {
			t.Errorf("got %q, want %q", s.String(), want)
		}
	})
}

func TestAWriteThatWaitsHoldsNobodyUpAndNoMoreThanTheBound(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		s.hold = make(chan struct{})
		line := bytes.Repeat([]byte{'x'}, 1023)
		line = append(line, '\n')
		l.write(line)
		synctest.Wait() // it is on its way, and waits
		for range maxPending/1024 + 7 {
			l.write(line)
		}
		l.write([]byte("small\n")) // would fit, and would come before those that did not
		if got := l.lost.Load(); got != 8 {
			t.Errorf("%d lines are lost, want 8", got)
		}
		began := time.Now()
		if l.close(FlushTime) {
			t.Error("it says that all was written")
		}
		if took := time.Since(began); took != FlushTime {
			t.Errorf("the end took %v, want %v", took, FlushTime)
		}
		close(s.hold)
		synctest.Wait()
		want := strings.Repeat(string(line), 1+maxPending/1024) + "(8 lost)\n"
		if s.String() != want {
			t.Errorf("%d bytes came out, want %d", len(s.String()), len(want))
		}
	})
}

func TestADescriptorThatIsFullIsTriedAgainAndLosesNothing(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		s.set(syscall.EAGAIN, 3)
		l.write([]byte("one\n"))
		l.write([]byte("two\n"))
		time.Sleep(10 * retryAfter)
		s.set(nil, 0)
		time.Sleep(2 * retryAfter)
		if want := "one\ntwo\n"; s.String() != want || l.lost.Load() != 0 {
			t.Errorf("got %q, want %q; %d lines are lost", s.String(), want, l.lost.Load())
		}
		s.set(syscall.EAGAIN, 0)
		l.write([]byte("three\n"))
		synctest.Wait() // close must not wait for a better time
	})
}

func TestALineBiggerThanAllThatMayWaitIsLostAlone(t *testing.T) {
	drive(t, func(s *sink, l *lines) {
		l.write(append(bytes.Repeat([]byte{'x'}, maxPending), '\n'))
		synctest.Wait()
		l.write([]byte("next\n"))
		synctest.Wait()
		if want := "(1 lost)\nnext\n"; s.String() != want {
			t.Errorf("got %q, want %q", s.String(), want)
		}
	})
}
