package load

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// EntrySize is how much a bare write holds: about what a message takes in a feed.
const EntrySize = 256

// A questioner sends events at fixed times, by one client after another, and measures how long each is not
// acknowledged: from the moment for which it was intended, so that one that waits for its turn counts as late.
type questioner struct {
	*crowd
	interval time.Duration
	sent     map[*client]uint64
	due      map[question]time.Time // when what is not acknowledged yet was to be sent
	turn     int
	samples  []time.Duration
	disk     *bareDisk // nil: none
	bare     []time.Duration
}

// A question is one event, which is known by who sent it and its number.
type question struct {
	of     *client
	number uint64
}

// runAckRate has nobody registered, as runAck.
func runAckRate(c *crowd, r *Result) error {
	if err := c.gather(c.o.Clients, c.joinWebSocket(false)); err != nil {
		return err
	}
	q := &questioner{
		crowd: c, interval: time.Second / time.Duration(max(1, c.o.PerSecond)),
		sent: make(map[*client]uint64), due: make(map[question]time.Time),
	}
	c.onAck = q.answered
	if c.o.Folder != "" {
		disk, err := newBareDisk(c.o.Folder)
		if err != nil {
			return err
		}
		defer disk.close()
		q.disk = disk
	}
	return q.measured(r)
}

func (q *questioner) measured(r *Result) error {
	if err := q.ask(q.o.Warmup); err != nil {
		return err
	}
	q.samples, q.bare = q.samples[:0], q.bare[:0]
	if err := q.meter.start(); err != nil {
		return err
	}
	failed := q.ask(q.o.Duration)
	if err := q.meter.stop(r); err != nil {
		return err
	}
	// What is late is late: it is not left out, which would make a server that answers nothing look quick.
	settled := func() bool { return len(q.due) == 0 || q.loss != nil }
	failed = errors.Join(failed, q.loop.runUntil(settled, q.o.Limit))
	r.Ops, r.Lost = uint64(len(q.samples)), q.lostOnes
	for _, member := range q.clients {
		r.Counts.add(&member.tally, q.sent[member])
	}
	r.Latency, r.Bare = summarize(q.samples), summarize(q.bare)
	return failed
}

// ask sends what is due within d. The disk is tried in the middle between two events.
func (q *questioner) ask(d time.Duration) error {
	start := time.Now()
	for n := 0; ; n++ {
		due := start.Add(time.Duration(n) * q.interval)
		if !due.Before(start.Add(d)) {
			return nil
		}
		if err := q.restUntil(due); err != nil {
			return err
		}
		member := q.clients[q.turn%len(q.clients)]
		q.turn++
		q.sent[member]++
		q.due[question{member, q.sent[member]}] = due
		member.say(q.sent[member], true)
		if q.disk == nil {
			continue
		}
		if err := q.restUntil(due.Add(q.interval / 2)); err != nil {
			return err
		}
		took, err := q.disk.append()
		if err != nil {
			return err
		}
		q.bare = append(q.bare, took)
	}
}

func (q *questioner) restUntil(t time.Time) error {
	for time.Now().Before(t) {
		if err := q.loop.turn(t); err != nil {
			return err
		}
	}
	return nil
}

func (q *questioner) answered(member *client, id uint64) {
	if !member.tally.Hear(id) {
		return
	}
	asked := question{member, id}
	q.samples = append(q.samples, q.loop.now.Sub(q.due[asked]))
	delete(q.due, asked)
}

// A bareDisk is a file that grows by one entry at a time, each synced: what a disk costs without a server.
type bareDisk struct {
	file  *os.File
	entry [EntrySize]byte
}

func newBareDisk(folder string) (*bareDisk, error) {
	file, err := os.CreateTemp(folder, "bare-")
	if err != nil {
		return nil, fmt.Errorf("the bare disk: %w", err)
	}
	return &bareDisk{file: file}, nil
}

// append writes an entry, syncs it and returns how long both took.
func (b *bareDisk) append() (time.Duration, error) {
	start := time.Now()
	_, err := b.file.Write(b.entry[:])
	if err = errors.Join(err, unix.Fdatasync(int(b.file.Fd()))); err != nil {
		return 0, fmt.Errorf("the bare disk: %w", err)
	}
	return time.Since(start), nil
}

func (b *bareDisk) close() {
	_ = b.file.Close()
	_ = os.Remove(b.file.Name())
}
