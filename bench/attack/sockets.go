package attack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/crier/crier/bench/load"
)

// largest is a little less than the largest message that a server takes by default.
const largest = 999_000

// many is how many frames go out at once.
const many = 100

// repeat has n sockets send a batch again and again, without looking at what comes back, until they are cut off.
func (s *assault) repeat(n int, b *batch) {
	s.each(n, func(int) error {
		k, _, err := s.socket("")
		if err != nil {
			return err
		}
		defer k.close()
		k.discard()
		for !s.over() {
			if err := k.write(b); err != nil {
				return err
			}
		}
		return nil
	})
}

func repeatsIDs(s *assault) {
	s.repeat(300, times(many, load.OpText, `421["message","again",{"id":"one"}]`))
}

func aLargeMessage(s *assault) {
	s.batch = times(1, load.OpText, `42["message","`+strings.Repeat("x", largest)+`"]`)
}

func floodsMessages(s *assault) { s.repeat(1, s.batch) }

func floodsShortMessages(s *assault) { s.repeat(1, times(many, load.OpText, `42["message","x"]`)) }

func fFloods(s *assault) { s.repeat(1, times(many, load.OpText, `421["f","x"]`)) }

func webSocketPings(s *assault) { s.repeat(4, times(10*many, load.OpPing, "")) }

func manySpeakers(s *assault) {
	const apart = time.Second / 200
	s.each(260, func(int) error {
		k, _, err := s.socket("")
		if err != nil {
			return err
		}
		defer k.close()
		k.discard()
		for due := time.Now(); !s.over(); due = due.Add(apart) {
			s.rest(time.Until(due))
			if err := k.send(`42["message","x"]`); err != nil {
				return err
			}
		}
		return nil
	})
}

// everything is how many messages there are to ask for.
const everything = 20_000

func manyMessages(s *assault) { s.say(everything) }

// eachSays is what one says: no more at once than a chat's limits let a speaker.
const eachSays = 400

// say has bystanders say n short messages, and waits until the last of each is acknowledged.
func (s *assault) say(n int) {
	batch := times(eachSays-1, load.OpText, `42["message","x"]`)
	for i := range n / eachSays {
		k, _, err := s.socketFrom(bystander(i), "")
		if err != nil {
			return
		}
		err = k.write(batch)
		if err == nil {
			_, err = k.ask(`["message","x"]`)
		}
		k.close()
		if err != nil {
			return
		}
	}
}

// asksForEverything has each socket ask once, for who is registered is told nothing twice.
func asksForEverything(s *assault) {
	s.each(8, func(int) error {
		k, _, err := s.socket("")
		if err != nil {
			return err
		}
		defer k.close()
		if _, err := k.ask(`["f","x",{"since":0}]`); err != nil {
			return err
		}
		for range everything {
			if _, err := k.until(`42["news"`); err != nil {
				return err
			}
		}
		return nil
	})
}

// aLostSession leaves a session that has missed many events.
func aLostSession(s *assault) {
	k, joined, err := s.socket("")
	if err != nil {
		return
	}
	if _, err := k.ask(`["f","one who comes back"]`); err != nil {
		return
	}
	if k.send(`42["message","the first"]`) != nil {
		return
	}
	first, err := k.until(`42["news"`)
	if err != nil {
		return
	}
	k.close()
	var answer struct{ PID string }
	_ = json.Unmarshal([]byte(joined[len("40"):]), &answer)
	var event []json.RawMessage
	_ = json.Unmarshal([]byte(first[len("42"):]), &event)
	if len(event) > 0 {
		_ = json.Unmarshal(event[len(event)-1], &s.last)
	}
	s.pid = answer.PID
	s.say(8000)
}

func returnsWithOnePID(s *assault) {
	s.each(1, func(int) error {
		k, joined, err := s.socket(fmt.Sprintf(`{"pid":%q,"offset":%q}`, s.pid, s.last))
		if err != nil {
			return err
		}
		k.close()
		var answer struct{ PID string }
		if json.Unmarshal([]byte(joined[len("40"):]), &answer) == nil && answer.PID != "" {
			s.pid = answer.PID
		}
		return nil
	})
}

// smallBeforeLarge has bystanders say a small message and a large one each, together more than a server keeps in
// memory.
func smallBeforeLarge(s *assault) {
	large := `["message","` + strings.Repeat("x", largest) + `"]`
	for i := range 20 {
		k, _, err := s.socketFrom(bystander(i), "")
		if err != nil {
			return
		}
		_ = k.send(`42["message","small"]`) // an error shows in ask
		said, err := k.ask(large)
		k.close()
		if err != nil {
			return
		}
		var answer []struct{ Offset uint64 }
		if json.Unmarshal([]byte(said[len("437"):]), &answer) == nil && len(answer) == 1 && s.entry == 0 {
			s.entry = answer[0].Offset // the first, which is read from the disk later
		}
	}
}

func smallHistoryReads(s *assault) {
	event := fmt.Sprintf(`["history",{"before":%d,"limit":1}]`, s.entry)
	s.each(64, func(int) error {
		k, _, err := s.socket("")
		if err != nil {
			return err
		}
		defer k.close()
		for !s.over() {
			if _, err := k.ask(event); err != nil {
				return err
			}
		}
		return nil
	})
}

// aHalfPacket announces ten attachments and has nine.
func aHalfPacket(s *assault) {
	slots := make([]string, 10)
	for i := range slots {
		slots[i] = fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i)
	}
	s.batch = times(1, load.OpText, `4510-["message",`+strings.Join(slots, ",")+`]`)
	for range 9 {
		s.batch.add(load.OpBinary, strings.Repeat("x", 420_000))
	}
}

func halfPackets(s *assault) {
	s.each(150, func(int) error {
		k, _, err := s.socket("")
		if err != nil {
			return err
		}
		defer k.close()
		k.discard()
		if err := k.write(s.batch); err != nil {
			return err
		}
		s.rest(time.Minute)
		return nil
	})
}
