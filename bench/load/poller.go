package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// recordSeparator stands between the packets of a payload (Engine.IO 4).
const recordSeparator = 0x1e

// A requester is an HTTP connection that is kept alive, with one request at a time.
type requester struct {
	dialer *dialer
	link   *link
	then   func(answer) error // what is done with the answer that is awaited; nil while none is
	idle   bool               // all is done: the server may hang up
	failed func(error)
}

func (q *requester) do(request []byte, then func(answer) error) error {
	q.then, q.idle = then, false
	if q.link == nil || q.link.fd < 0 {
		k, err := q.dialer.dial(q)
		if err != nil {
			return err
		}
		q.link = k
	}
	q.link.write(request)
	return nil
}

// received implements linkUser.
func (q *requester) received(b []byte) (int, error) {
	a, size, err := nextAnswer(b)
	if size == 0 || err != nil {
		return 0, err
	}
	then := q.then
	if then == nil {
		return 0, errors.New("an answer that nobody asked for")
	}
	q.then = nil
	if a.closes {
		q.link.drop()
	}
	if err := then(a); err != nil {
		return 0, err
	}
	q.idle = q.then == nil
	return size, nil
}

// ended implements linkUser. A connection that ends between two requests is opened anew by the next.
func (q *requester) ended(err error) {
	if !q.idle {
		q.failed(err)
	}
}

func (q *requester) close() {
	if q.link != nil {
		q.link.drop()
	}
}

// errPoll is what a poller makes of answers that it did not expect.
var errPoll = errors.New("long-polling failed")

// A pollListener is told what happens to pollers.
type pollListener interface {
	pollReady(p *poller)               // it is connected, and in the room if it registers
	pollNews(p *poller, number uint64) // it has heard a message for the first time
	pollLost(p *poller, by error)      // its session has failed
}

// A poller is one Socket.IO socket over long-polling: it polls on one connection and posts on another.
type poller struct {
	listener pollListener
	register bool
	headers  string // of every request, beside Host
	tally    Tally
	sid      string
	get      requester
	post     requester
	isReady  bool
	pollText []byte // the request of a poll
	unsaid   []byte // waits until the post that is under way is answered
	leaves   bool   // it hangs up as soon as it is ready
	pausing  bool   // it does not poll again
	paused   func() // called when the last poll has been answered
}

// The headers of every request, beside Host and those of a body.
const (
	usualHeaders = "User-Agent: crier-bench\r\nAccept: */*\r\n"
	fewHeaders   = "Connection: keep-alive\r\n" // as Node's http sends, unless it is told more
)

// newPoller begins a session.
func newPoller(d *dialer, l pollListener, register bool, headers string) (*poller, error) {
	p := &poller{listener: l, register: register, headers: headers}
	lost := func(err error) { l.pollLost(p, err) }
	p.get = requester{dialer: d, failed: lost}
	p.post = requester{dialer: d, failed: lost}
	return p, p.get.do(p.request("GET", "", ""), p.opened)
}

func (p *poller) request(method, query, body string) []byte {
	length := ""
	if method == "POST" {
		length = fmt.Sprintf("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	return fmt.Appendf(nil, "%s /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s",
		method, query, p.get.dialer.to, p.headers, length, body)
}

func (p *poller) opened(a answer) error {
	var open struct {
		SID string `json:"sid"`
	}
	if a.status != 200 || len(a.body) == 0 || a.body[0] != packetOpen || json.Unmarshal(a.body[1:], &open) != nil {
		return fmt.Errorf("%w: the handshake was answered with %d %s", errPoll, a.status, a.body)
	}
	p.sid = "&sid=" + open.SID
	p.pollText = p.request("GET", p.sid, "")
	return errors.Join(p.say("40"), p.poll())
}

// say posts a packet, alone or with others that could not be posted before.
func (p *poller) say(packet string) error {
	if len(p.unsaid) > 0 {
		p.unsaid = append(p.unsaid, recordSeparator)
	}
	p.unsaid = append(p.unsaid, packet...)
	if p.post.then != nil {
		return nil
	}
	payload := string(p.unsaid)
	p.unsaid = p.unsaid[:0]
	return p.post.do(p.request("POST", p.sid, payload), p.said)
}

func (p *poller) said(a answer) error {
	if a.status != 200 || string(a.body) != "ok" {
		return fmt.Errorf("%w: a post was answered with %d %s", errPoll, a.status, a.body)
	}
	if len(p.unsaid) > 0 {
		packets := string(p.unsaid)
		p.unsaid = p.unsaid[:0]
		return p.say(packets)
	}
	if p.leaves && p.isReady {
		p.close()
	}
	return nil
}

func (p *poller) poll() error { return p.get.do(p.pollText, p.polled) }

// polled takes a payload; the next poll is on its way before anybody is told.
func (p *poller) polled(a answer) error {
	if a.status != 200 {
		return fmt.Errorf("%w: a poll was answered with %d %s", errPoll, a.status, a.body)
	}
	switch {
	case p.leaves:
		if err := p.packets(a.body); err != nil || !p.isReady {
			return errors.Join(err, p.poll())
		}
		p.get.close()
		if p.post.then == nil {
			p.post.close()
		}
		return nil
	case p.pausing:
		p.paused()
	default:
		if err := p.poll(); err != nil {
			return err
		}
	}
	return p.packets(a.body)
}

func (p *poller) packets(body []byte) error {
	for len(body) > 0 {
		var packet []byte
		packet, body, _ = bytes.Cut(body, []byte{recordSeparator})
		if err := p.packet(packet); err != nil {
			return err
		}
	}
	return nil
}

func (p *poller) packet(b []byte) error {
	switch {
	case bytes.HasPrefix(b, newsHead):
		number, whole := messageIn(b[len(newsHead):])
		if !whole {
			p.tally.Damaged++
		}
		if p.tally.Hear(number) {
			p.listener.pollNews(p, number)
		}
	case len(b) == 1 && b[0] == packetPing:
		return p.say("3")
	case len(b) > 1 && b[0] == packetMessage && b[1] == typeConnect && p.register:
		return p.say(`420["f","poller"]`)
	case len(b) > 1 && b[0] == packetMessage && (b[1] == typeConnect || b[1] == typeAck) && !p.isReady:
		p.isReady = true
		p.listener.pollReady(p)
	}
	return nil
}

// pause calls then when the poll that is under way has been answered.
func (p *poller) pause(then func()) { p.pausing, p.paused = true, then }

// close drops the connections, which does not end the session.
func (p *poller) close() {
	p.get.close()
	p.post.close()
}
