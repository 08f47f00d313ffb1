package engineio

import (
	"errors"

	"github.com/crier/crier/server/internal/outbound"
)

// Recode has all messages to the client stand in the coding of Options.Recode from now on. It must be called before
// anything is sent to the session, at most once.
func (s *Session) Recode() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != closed {
		s.core.uncommon.Add(1) // closeAccount, which comes later, takes it back
		s.out.AddForm(uint8(formRecoded))
	}
}

// Send queues messages, side by side with nothing in between, behind what the flusher has yet to deliver. It never
// waits for the client and does not keep data. The error is ErrClosed or ErrSlowConsumer.
func (s *Session) Send(messages ...Message) error {
	queued := form(s.out.Form())
	return sendError(s.follow(queued, s.core.encode(messages, queued.needed(traitsOf(messages)))))
}

// SendPrepared is Send for messages that go to other sessions too: they are encoded once for all. The error is that of
// Send.
func (s *Session) SendPrepared(p *Prepared) error {
	queued := form(s.out.Form())
	return sendError(s.follow(queued, p.in(s.core, queued.needed(p.traits))))
}

// sendPrepared is SendPrepared in a batch: the frames leave after b.Flush. It does not look at what the flusher has yet
// to deliver: the caller sees to the order.
func (s *Session) sendPrepared(p *Prepared, b *outbound.Batch) error {
	queued := form(s.out.Form())
	return sendError(s.push(queued, p.in(s.core, queued.needed(p.traits)), b))
}

// sendControl queues a packet without data. b may be nil.
func (s *Session) sendControl(kind packetType, b *outbound.Batch) error {
	f := form(s.out.Form())
	return s.push(f, s.core.control(kind, f), b)
}

// follow pushes frames behind what the session's worker has yet to deliver. If it has something, a queue that proves
// full is told to the session, but not here.
func (s *Session) follow(queued form, frames outbound.Frames) error {
	f, w := s.core.flusher, s.out.Worker()
	if !f.Busy(w) {
		return s.push(queued, frames, nil)
	}
	err := s.out.Err()
	if err == nil {
		f.Post(w, &direct{session: s, queued: queued, frames: frames})
	}
	return err
}

// push queues frames that were encoded for a queue of the form queued. Without b they leave at once.
//
// The form may have changed meanwhile. With the upgrade to WebSocket, what was for long-polling becomes frames. With
// Recode the frames stay as they are: before it only packets are sent that have no coding, such as pings.
func (s *Session) push(queued form, frames outbound.Frames, b *outbound.Batch) error {
	for {
		err := s.pushAs(queued, frames, b)
		if !errors.Is(err, outbound.ErrForm) {
			return err
		}
		now := form(s.out.Form())
		if queued&^now&formPayload != 0 {
			frames = s.core.arena.Put(queued.appendFrames(nil, [][]byte{frames.Bytes()}))
		}
		queued = now
	}
}

func (s *Session) pushAs(queued form, frames outbound.Frames, b *outbound.Batch) error {
	if b == nil {
		return s.out.PushAs(uint8(queued), frames)
	}
	return s.out.PushBatchAs(uint8(queued), frames, b)
}

func sendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, outbound.ErrQueueFull):
		return ErrSlowConsumer
	default:
		return ErrClosed
	}
}
