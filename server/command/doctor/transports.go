package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

const (
	noPolling = "the server takes no long-polling (transports)"
	noEIO4    = "the server speaks EIO 3 alone"
)

func (p *probe) checkPolling(ctx context.Context) Result {
	switch {
	case !p.polling:
		return skipped(noPolling)
	case p.eio != 4:
		return skipped(noEIO4)
	}
	s, err := p.openSession(ctx, form{version: 4})
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	if r := p.connect(ctx, s); r != nil {
		return *r
	}
	return p.talk(ctx, s, 4)
}

// connect joins the main namespace, as clients do. It returns nil if that works.
func (p *probe) connect(ctx context.Context, l line) *Result {
	if err := l.send(ctx, "40"); err != nil {
		r := faulty(err)
		return &r
	}
	answer, err := await(ctx, l, 4, func(packet string) bool {
		return strings.HasPrefix(packet, "40{") || strings.HasPrefix(packet, "44{")
	})
	if err != nil {
		r := faulty(err)
		return &r
	}
	if reason, refused := strings.CutPrefix(answer, "44"); refused {
		var e struct{ Message string }
		_ = json.Unmarshal([]byte(reason), &e) // what is no JSON has no message
		r := warning("the server refuses clients that bring no token or the like: "+printable(e.Message), adviseDenied...)
		return &r
	}
	return nil
}

// talk makes a round trip.
func (p *probe) talk(ctx context.Context, l line, version int) Result {
	took, err := roundTrip(ctx, l, version)
	if err != nil {
		return faulty(err)
	}
	return ok("a packet and its reply in %s", short(took))
}

func (p *probe) checkPolling3(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	s, err := p.openSession(ctx, form{version: 3})
	if isCode(err, codeProtocol) {
		return skipped("the server takes no clients of 1.x and 2.x (allow_eio3)")
	}
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	return p.talk(ctx, s, 3)
}

// isCode tells a refusal of Engine.IO.
func isCode(err error, codes ...int) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.answer.status == 400 && slices.Contains(codes, refused.answer.engineCode())
}

func (p *probe) checkJSONP(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	s, err := p.openSession(ctx, form{version: 3, jsonp: true})
	if isCode(err, codeProtocol) {
		return skipped("the server takes no clients of 1.x and 2.x (allow_eio3), which alone use it")
	}
	var refused *refusedError
	if errors.As(err, &refused) && refused.answer.status == 200 {
		return fault("the script is not as the server sends it: "+err.Error(),
			"let the proxy change nothing in answers of this path")
	}
	if err != nil {
		return faulty(err)
	}
	defer s.leave(ctx)
	kind, strict := s.first.header.Get("Content-Type"), s.first.header.Get("X-Content-Type-Options") == "nosniff"
	if strict && !strings.Contains(kind, "javascript") {
		return fault("the script comes as "+printable(kind)+": browsers do not run it",
			"let the proxy leave the Content-Type as it is")
	}
	return p.talk(ctx, s, 3)
}

func (p *probe) checkWebSocket(ctx context.Context) Result {
	k, _, err := p.openSocket(ctx, p.eio, nil)
	if err != nil {
		return p.explainSocket(err)
	}
	defer k.leave()
	return p.talk(ctx, k, p.eio)
}

// explainSocket says why there is no WebSocket.
func (p *probe) explainSocket(err error) Result {
	var refused *refusedError
	switch {
	case isCode(err, codeTransport):
		return skipped("the server takes no WebSocket (transports)")
	case isCode(err, codeRequest):
		return fault(err.Error()+": the Upgrade header does not reach the server", adviseUpgrade...)
	case errors.As(err, &refused) && refused.answer.engineCode() < 0 && p.polling:
		return fault("no WebSocket, though long-polling is answered: "+err.Error(),
			append(refused.answer.advice(), adviseUpgrade...)...)
	}
	return faulty(err)
}

// checkUpgrade moves a session from long-polling to WebSocket (Engine.IO protocol, Upgrade).
func (p *probe) checkUpgrade(ctx context.Context) Result {
	if !p.polling {
		return skipped(noPolling)
	}
	s, err := p.openSession(ctx, form{version: p.eio})
	if err != nil {
		return faulty(err)
	}
	if !slices.Contains(s.open.Upgrades, "websocket") {
		s.leave(ctx)
		return skipped("the server offers none (allow_upgrades, transports)")
	}
	k, err := p.dialWebSocket(ctx, p.eio, s.open.Sid, s.header)
	if err != nil {
		s.leave(ctx)
		return p.explainSocket(err)
	}
	defer k.leave()
	if err := k.send(ctx, "2probe"); err != nil {
		return faulty(err)
	}
	if _, err := await(ctx, k, p.eio, func(packet string) bool { return packet == "3probe" }); err != nil {
		return faulty(err)
	}
	if err := k.send(ctx, "5"); err != nil {
		return faulty(err)
	}
	return p.talk(ctx, k, p.eio)
}
