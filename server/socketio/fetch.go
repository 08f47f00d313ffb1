package socketio

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/crier/crier/server/socketio/wire"
)

// A RemoteSocket is a socket as it was when FetchSockets found it, on this node or on another. Its methods that do
// something do it to the socket as it is by then, wherever that is; on one that has left they do nothing.
//
// All methods may be called concurrently.
type RemoteSocket struct {
	ns        *Namespace
	id        string
	rooms     []string
	data      any
	handshake func() *Handshake
}

// ID returns the socket's id: see [Socket.ID].
func (r *RemoteSocket) ID() string { return r.id }

// Namespace returns the namespace that the socket is in.
func (r *RemoteSocket) Namespace() *Namespace { return r.ns }

// Rooms returns the rooms that the socket was in, that of its own id first. It must not be changed.
func (r *RemoteSocket) Rooms() []string { return r.rooms }

// Handshake returns what the client sent when it connected. It is put together with each call.
func (r *RemoteSocket) Handshake() *Handshake { return r.handshake() }

// Data returns what SetData kept. Of a socket on this node that is the value itself, which others may be reading: once
// SetData has it, it must not be changed, only replaced by another. Of a socket on another node it is an [Arg], with
// the JSON that it was sent as. BindData works for both.
func (r *RemoteSocket) Data() any { return r.data }

// BindData stores what SetData kept in the value that v points to, by way of JSON. It shares nothing with what is kept.
// The error is one of encoding/json, for what can't be written or does not fit v, or says what other languages could
// not read: see [wire.Arg.Portable].
func (r *RemoteSocket) BindData(v any) error {
	raw, err := wire.AppendJSON(nil, r.data)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// to returns a broadcast to the socket alone.
func (r *RemoteSocket) to() *Broadcast { return r.ns.To(r.id) }

// Emit sends an event to the client: see [Broadcast.Emit].
func (r *RemoteSocket) Emit(event string, args ...any) error { return r.to().Emit(event, args...) }

// EmitWithAck sends an event and waits for the client's answer, as long as ctx. The error is ErrDisconnected if the
// socket has left, a *MissingAcksError if it does not answer, or one of Emit's.
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	answers, err := r.to().EmitWithAck(ctx, event, args...)
	for _, a := range answers {
		if a.Socket == r.id || a.Socket == "" {
			return a.Args, nil
		}
	}
	if err == nil {
		err = ErrDisconnected
	}
	return nil, err
}

// Join puts the socket into rooms: see [Broadcast.SocketsJoin].
func (r *RemoteSocket) Join(rooms ...string) error { return r.to().SocketsJoin(rooms...) }

// Leave takes the socket out of rooms.
func (r *RemoteSocket) Leave(rooms ...string) { r.to().SocketsLeave(rooms...) }

// Disconnect ends the socket: see [Socket.Disconnect].
func (r *RemoteSocket) Disconnect(closeSession bool) { r.to().DisconnectSockets(closeSession) }

// FetchSockets returns the sockets that the broadcast reaches, of all nodes, as they are at the moment, in no
// particular order. It waits for other nodes as long as ctx; what is known by then is returned, with ctx's error. A
// server that is alone never waits.
//
// It costs some 120 bytes for each socket, and 16 for each of its rooms. Nothing is emitted in the namespace and nobody
// joins or leaves while the list is made: do not fetch thousands of sockets often.
func (b *Broadcast) FetchSockets(ctx context.Context) (all []*RemoteSocket, err error) {
	for _, ns := range b.namespaces {
		all = ns.hub.fetch(all, ns, &b.audience)
	}
	for _, r := range all {
		r.data = r.data.(*kept).get()
	}
	return all, ctx.Err()
}

// fetch appends the sockets that an audience reaches. Their data is what holds it.
func (h *hub) fetch(all []*RemoteSocket, ns *Namespace, a *audience) []*RemoteSocket {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle() // sockets may have to be marked
	t := h.newTask(a)
	defer h.reuse(t)
	all = slices.Grow(all, t.reach.members())
	t.reach.each(anyWorker, func(m *member) {
		s := m.seat
		all = append(all, &RemoteSocket{ns, s.id, s.roomNames(), s.data, s.socket.Handshake})
	})
	return all
}
