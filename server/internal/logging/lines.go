package logging

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxPending = 1 << 20                // bytes of lines that wait for the writer; as many again may be on their way
	keptBuffer = 64 << 10               // bytes of a buffer that is kept for the next batch
	retryAfter = 100 * time.Millisecond // until a descriptor that does not block, and is full, is tried again
)

// lines writes whole lines to out, in order, from a goroutine of its own. write never waits and never fails: what
// finds no place, or can't be written, is dropped and counted. When out works again, one line tells how many are
// missing there.
type lines struct {
	out    io.Writer
	notice func(lost uint64) []byte // the line that tells of so many lost ones

	lost atomic.Uint64
	wake chan struct{} // holds one token: there is something to write
	stop chan struct{} // closed by close
	done chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // guards the following
	pending []byte
	missing uint64 // lines behind pending that found no place
	closed  bool

	// The rest belongs to the goroutine.
	spare  []byte // the buffer that takes turns with pending
	untold uint64 // lost lines that no notice has told of
	torn   bool   // out ends in a part of a line
}

func newLines(out io.Writer, notice func(lost uint64) []byte) *lines {
	l := &lines{
		out: out, notice: notice,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go l.run() // ends with close, or, when out blocks for ever, with the process
	return l
}

// write takes one line, which ends in a newline.
func (l *lines) write(line []byte) {
	l.mu.Lock()
	if l.closed || l.missing > 0 || len(l.pending)+len(line) > maxPending {
		l.missing++ // and so does each line behind it, until pending has been taken: the order stays
		l.lost.Add(1)
	} else {
		l.pending = append(l.pending, line...)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// close writes what is pending, for so long at most, and returns whether all of it was written or given up.
func (l *lines) close(wait time.Duration) bool {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if first {
		close(l.stop)
	}
	select {
	case <-l.done:
		return true
	case <-time.After(wait):
		return false
	}
}

func (l *lines) run() {
	defer close(l.done)
	for stopped := false; !stopped; {
		select {
		case <-l.wake:
		case <-l.stop:
			stopped = true
		}
		for l.writeBatch() {
		}
	}
}

// writeBatch writes what has gathered, and reports whether there may be more to write.
func (l *lines) writeBatch() bool {
	batch, missing := l.take()
	if len(batch) == 0 && missing == 0 && l.untold == 0 {
		return false
	}
	works := true
	if l.untold > 0 {
		if works = len(l.put(l.lostNotice())) == 0; works {
			l.untold = 0
		}
	}
	if works {
		batch = l.put(batch)
	}
	lost := uint64(bytes.Count(batch, []byte{'\n'}))
	l.lost.Add(lost)
	l.untold += lost + missing
	return works && lost == 0
}

// take returns the pending lines, and how many are missing behind them. They are valid until the next call.
func (l *lines) take() (batch []byte, missing uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch, missing = l.pending, l.missing
	l.pending, l.missing = l.spare[:0], 0
	if l.spare = batch; cap(l.spare) > keptBuffer {
		l.spare = nil
	}
	return batch, missing
}

// put writes text and returns what did not get through, if only the end of a line.
func (l *lines) put(text []byte) (rest []byte) {
	for len(text) > 0 {
		n, err := l.out.Write(text)
		l.torn = n < len(text) && (n > 0 || l.torn)
		text = text[n:]
		if err != nil && !(errors.Is(err, syscall.EAGAIN) && l.pause()) {
			break
		}
	}
	return text
}

// pause waits until it is worth trying again, and reports false when there is no time left for it.
func (l *lines) pause() bool {
	select {
	case <-l.stop:
		return false
	case <-time.After(retryAfter):
		return true
	}
}

// lostNotice begins a new line where the last one broke off.
func (l *lines) lostNotice() []byte {
	notice := l.notice(l.untold)
	if l.torn {
		notice = append([]byte{'\n'}, notice...)
	}
	return notice
}
