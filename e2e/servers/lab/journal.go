package main

import (
	"slices"
	"sync"

	"github.com/crier/crier/server/socketio"
)

// A note is what the journal says of a socket that has ended.
type note struct {
	Reason string   `json:"reason"`
	Rooms  []string `json:"rooms"` // when it was disconnecting
	Left   []string `json:"left"`  // when it was disconnected
}

// An entry is one socket's: its note may be read when done is closed.
type entry struct {
	done chan struct{}
	note note
}

// A journal notes how sockets ended, by the tag in their query. An ending may be asked for before it happens.
type journal struct {
	mu      sync.Mutex // guards the following
	entries map[string]*entry
}

func (j *journal) of(tag string) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.entries[tag] == nil {
		j.entries[tag] = &entry{done: make(chan struct{})}
	}
	return j.entries[tag]
}

// watch notes the end of s, if it has a tag. Of sockets with one tag, the first to end counts.
func (j *journal) watch(s *socketio.Socket) {
	tag := s.Handshake().Query.Get("tag")
	if tag == "" {
		return
	}
	e := j.of(tag)
	var rooms []string
	s.OnDisconnecting(func(socketio.Reason) { rooms = roomsOf(s) })
	s.OnDisconnect(func(reason socketio.Reason) {
		select {
		case <-e.done:
		default:
			e.note = note{Reason: string(reason), Rooms: rooms, Left: roomsOf(s)}
			close(e.done)
		}
	})
}

// open lets a reader ask for endings. The answer may come after the handler, which holds up nobody.
func (j *journal) open(s *socketio.Socket) {
	s.On("ending", func(e *socketio.Event) error {
		var tag string
		if err := e.Bind(&tag); err != nil {
			return err
		}
		ended := j.of(tag)
		go func() { // ends with the laboratory when the socket never does
			<-ended.done
			_ = e.Ack(ended.note)
		}()
		return nil
	})
}

// roomsOf returns the rooms of s, but for its own, sorted.
func roomsOf(s *socketio.Socket) []string {
	rooms := slices.DeleteFunc(slices.Clone(s.Rooms()), func(room string) bool { return room == s.ID() })
	slices.Sort(rooms)
	if rooms == nil {
		rooms = []string{}
	}
	return rooms
}
