package plain

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/crier/crier/server/websocket"
)

// newsListener is a client of the news endpoint as its room sees it.
type newsListener struct {
	news *News
	c    *client
}

var errLeft = errors.New("plain: the client has left")

func (l newsListener) Hear(data json.RawMessage, from, id string, at int64, offset uint64) error {
	text, err := newsText(data, from, id, at, offset)
	if err != nil {
		return err
	}
	if err := l.c.out.Push(l.c.server.frame(websocket.OpText, text)); err != nil {
		return errLeft
	}
	return nil
}

func (l newsListener) Join()                 { l.news.registered.join(l.c) }
func (l newsListener) Done() <-chan struct{} { return l.c.done() }
func (l newsListener) CutOff()               { l.c.end(endBehind) }

func (l newsListener) Address() string { return l.c.address }

// Flushed counts as a sign of life: who takes what it is sent is there.
func (l newsListener) Flushed(ctx context.Context) error {
	select {
	case <-l.c.out.Flushed():
	case <-l.c.done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if !l.c.alive() {
		return errLeft
	}
	return nil
}
