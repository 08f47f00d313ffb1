package engineio

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/crier/crier/server/websocket"
)

// The upgrade from long-polling to WebSocket (docs/engine.io-protocol/v4-current.md, Upgrade):
//
//	client opens a WebSocket with its sid -> "2probe" -> "3probe" -> the waiting poll is answered with NOOP
//	-> the client stops polling -> "5" -> the WebSocket carries the session
//
// Until the "5" everything goes over long-polling, and whatever goes wrong with the WebSocket leaves it there.

var errProbe = errors.New("engineio: the upgrade was not followed through")

// serveUpgrade takes the WebSocket of a session that is on long-polling. One that comes beside another, or after the
// upgrade, is accepted and closed, as by the reference server (engine.io, lib/server.ts, onWebSocket).
func serveUpgrade(s *Session, w http.ResponseWriter, r *http.Request) {
	if s.core.opts.DisableUpgrades {
		s.core.refuse(w, r, refuseRequest)
		return
	}
	conn, err := s.core.upgrade(w, r, false, false, s.Charge)
	if err != nil {
		return // Upgrade has answered
	}
	k := &socket{session: s, conn: conn}
	k.prove = k.proceed
	if k.beginProbe() {
		conn.Go(k, k.over)
		return
	}
	if !s.core.registry.tryAddReader(k) {
		conn.Close()
		return
	}
	defer s.core.registry.removeReader(k)
	k.write(s.core.closeFrame(websocket.CloseNoStatus, ""))
	_ = conn.Shutdown(websocket.CloseGrace)
}

func (k *socket) beginProbe() bool {
	s := k.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.carrier.(*polling)
	if !ok || p.switched || s.state != open || s.probe != nil {
		return false
	}
	s.core.registry.addReader(k)
	s.probe = k
	k.probeTimer = time.AfterFunc(s.core.opts.UpgradeTimeout, func() {
		s.core.hit(LimitUpgradeTime)
		k.conn.Close()
	})
	return true
}

// proceed takes a packet that arrives before the upgrade is complete.
func (k *socket) proceed(p packet) error {
	s := k.session
	switch {
	case p.kind == packetPing && bytes.Equal(p.data, []byte("probe")):
		k.tellProved()
		return nil
	case p.kind == packetUpgrade && k.takeOver():
		k.prove = nil
		k.attach()
		if l := s.logger(); l != nil {
			l.Debug("session upgraded")
		}
		if h, ok := s.handler.(UpgradeHandler); ok {
			s.guard("Upgraded", h.Upgraded)
		}
		return nil
	}
	return errProbe
}

// tellProved tells the client that the WebSocket works, and lets it stop polling.
func (k *socket) tellProved() {
	s := k.session
	s.mu.Lock()
	p, ok := s.carrier.(*polling)
	ok = ok && s.probe == k
	if ok {
		p.proved = true // before the client can know
	}
	s.mu.Unlock()
	k.write(s.core.arena.Put(websocket.AppendFrame(nil, websocket.OpText, []byte("3probe"))))
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe == k && p.poll != nil && !p.poll.late { // a late one has its time to hear of the WebSocket first
		p.poll.release = true
		p.wake()
	}
}

// takeOver makes k the session's transport. What a POST carries that is still being read came before what the
// WebSocket will, and so did the messages in an answer that is on its way: the client has not waited for them, and so
// the server does.
func (k *socket) takeOver() bool {
	p, quiet := k.stopPolling()
	if p == nil {
		return false
	}
	if quiet != nil {
		<-quiet // ends with the POST and the answer, whose time is bounded, or with the session
	}
	return k.replace(p)
}

// stopPolling lets no more requests in. If quiet is not nil some are still under way, until it is closed.
func (k *socket) stopPolling() (p *polling, quiet <-chan struct{}) {
	s := k.session
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.carrier.(*polling)
	if !ok || s.probe != k || s.state != open && s.state != closing {
		return nil, nil
	}
	if !k.probeTimer.Stop() {
		return nil, nil // too late: the connection is being closed
	}
	p.switched, p.proved = true, false
	if p.posting || p.carrying {
		p.quiet = make(chan struct{})
		quiet = p.quiet
	}
	p.wake()
	return p, quiet
}

func (k *socket) replace(p *polling) bool {
	s := k.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != k || s.state != open && s.state != closing {
		return false
	}
	p.leave()
	s.probe, s.carrier, s.pulse.unasked = nil, k, false
	s.holders++ // until over
	if s.state == open {
		s.pulse.start(s)
	}
	return true
}
