package socketio

// An answerFunc is called once for an acknowledgement that a socket's client was asked for: with its answer, or with
// the reason why there will be none.
type answerFunc func(s *Socket, args Args, err error)

// expectAck notes who is to be called with the client's answer. The error is ErrDisconnected or ErrTooManyAcks.
func (s *Socket) expectAck(id uint64, answer answerFunc) error {
	if err := s.noteAck(id, answer); err != nil {
		return err
	}
	s.conn.readOn(nil) // the answer comes behind the events that wait outside: see full
	return nil
}

func (s *Socket) noteAck(id uint64, answer answerFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.connected:
		return ErrDisconnected
	case len(s.acks) >= s.conn.core.opts.MaxAcks:
		s.conn.core.hit(LimitAcks)
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint64]answerFunc)
	}
	s.acks[id] = answer
	s.conn.asking.Add(1)
	return nil
}

// takeAck returns who is to be called with the answer of that id, and forgets them; nil if nobody waits for it
// any more.
func (s *Socket) takeAck(id uint64) answerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.acks[id]
	if answer != nil {
		delete(s.acks, id)
		s.conn.asking.Add(-1)
	}
	return answer
}
