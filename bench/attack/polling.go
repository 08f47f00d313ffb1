package attack

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// longName is as long as a name may be, in characters of three bytes.
func longName(i int) string { return fmt.Sprintf("%s%03d", strings.Repeat("說", 61), i) }

// escapedName grows six-fold where each "<" becomes \u003c.
func escapedName(i int) string { return fmt.Sprintf("%s%03d", strings.Repeat("<", 61), i) }

func longNames(s *assault) { s.named(longName) }

func escapedNames(s *assault) { s.named(escapedName) }

// named has 100 sockets take names, which stand in every answer to "f" from then on.
func (s *assault) named(name func(int) string) {
	for i := range 100 {
		k, _, err := s.socket("")
		if err != nil {
			return
		}
		if _, err := k.ask(fmt.Sprintf(`["f",%q]`, name(i))); err != nil {
			k.close()
			return
		}
		k.discard()
		s.crowd = append(s.crowd, k)
	}
}

// questions is a payload of n times "f".
func questions(n int) []string { return slices.Repeat([]string{`421["f","x"]`}, n) }

func neverPolls(s *assault) {
	s.each(300, func(int) error {
		p, err := s.poll("")
		if err != nil {
			return err
		}
		defer p.close()
		if err := p.post(questions(158)...); err != nil {
			return err
		}
		s.rest(5 * time.Second) // and then another
		return nil
	})
}

func jsonpOfEscapes(s *assault) { s.fetches("&j=0", "", 140) }

func gzipOfPolls(s *assault) { s.fetches("", "Accept-Encoding: gzip\r\n", 40) }

// fetches has 30 sessions ask and fetch in turn.
func (s *assault) fetches(query, headers string, questionsEach int) {
	s.each(30, func(int) error {
		p, err := s.poll(query)
		if err != nil {
			return err
		}
		defer p.close()
		for !s.over() {
			if err := p.post(questions(questionsEach)...); err != nil {
				return err
			}
			if _, err := p.get(headers); err != nil {
				return err
			}
		}
		return nil
	})
}

func getsWithoutUpgrade(s *assault) { s.gets(50, "/ws/echo") }

func scrapesMetrics(s *assault) { s.gets(8, "/metrics") }

func (s *assault) gets(connections int, path string) {
	callers := make([]caller, connections)
	s.each(connections, func(i int) error {
		callers[i].s = s
		_, err := callers[i].do("GET", path, "", "")
		return err
	})
	for i := range callers {
		callers[i].close()
	}
}

func idleConnections(s *assault) {
	for range 6000 {
		if s.over() {
			return
		}
		s.asked.Add(1)
		if _, err := s.dial(); err != nil { // which the end of the assault closes
			s.rest(respite)
		}
	}
	s.rest(time.Until(s.deadline))
}
