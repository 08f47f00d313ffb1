package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/origin"
	"github.com/crier/crier/server/socketio/wire"
)

// A Server is a Socket.IO server: an http.Handler with namespaces. The methods of the main namespace, "/", are
// its own.
//
// All methods may be called concurrently.
type Server struct {
	*Namespace // "/"
	core       *core
}

// New returns a server. Mount it at the path that clients use, "/socket.io/" unless they are told otherwise.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	k := newCore(o)
	o.Engine.EscapeText = func(text []byte) []byte { return wire.AppendASCII(nil, text) }
	o.Engine.Recode = recode
	k.engine, err = engineio.New(o.Engine, k.accept)
	if err != nil {
		return nil, err
	}
	k.flusher = engine.Flusher(k.engine)
	k.limits.MaxText = k.engine.MaxPayload()
	k.crew.work = turn.work
	k.recovery = newRecord(o.Recovery, k.engine.Heartbeat())
	return &Server{k.names.named(k, "/"), k}, nil
}

// ServeHTTP serves every request of Socket.IO clients, and their bundles: see Options.Client.
func (io *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !io.core.bundles.serve(w, r) {
		io.core.engine.ServeHTTP(w, r)
	}
}

// JudgeOrigin says why the page that a request comes from may not connect; nil if it may. It is for endpoints beside
// Socket.IO.
func (io *Server) JudgeOrigin(r *http.Request) *origin.Refusal { return io.core.engine.JudgeOrigin(r) }

// LimitPackets puts another value in the place of [engineio.Options].MaxPacketRate.
func (io *Server) LimitPackets(perSecond int) { io.core.engine.LimitPackets(perSecond) }

// AllowOrigins puts another list in the place of [engineio.Options].AllowedOrigins, for requests from now on.
func (io *Server) AllowOrigins(list *origin.List) { io.core.engine.AllowOrigins(list) }

// Share lets a page that may connect read a file beside Socket.IO: see [engineio.Server.Share].
func (io *Server) Share(w http.ResponseWriter, r *http.Request) (answered bool) {
	return io.core.engine.Share(w, r)
}

// RefuseUnknown returns the answer to an event that nothing takes, an *Error of CodeUnknownEvent, and logs its name as
// that of a socket's event. It is for endpoints beside Socket.IO that serve the same events.
func (io *Server) RefuseUnknown(event string) error {
	return io.core.refuseUnknown(io.core.opts.Logger, event)
}

// Drain refuses new sessions from now on.
func (io *Server) Drain() { io.core.engine.Drain() }

// Sessions returns the number of open sessions.
func (io *Server) Sessions() int { return io.core.engine.Len() }

// Close refuses new sessions, lets what is queued go out, tells every client that the server is going away, and
// waits until all sessions have ended and all handlers have returned. When ctx is over the rest is cut off and
// ctx's error is returned. A handler that calls it waits for itself, as long as ctx.
func (io *Server) Close(ctx context.Context) error {
	io.core.engine.Drain()
	io.core.recovery.close() // nobody can come back to this server
	err := io.core.engine.Close(ctx)
	defer io.core.crew.dismiss()
	done := make(chan struct{})
	go func() { // ends with the last handler
		io.core.present.Wait()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Of returns the namespace of that name, which begins with "/". The first call creates it.
func (io *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	return io.core.names.named(io.core, name)
}

// Namespaces returns the namespaces that exist at the moment, in the order of their names: those that Of has made, and
// those of a Parent in which there is somebody.
func (io *Server) Namespaces() []*Namespace {
	all := io.core.names.all()
	slices.SortFunc(all, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return all
}

// OnNewNamespace registers what is done with each namespace that is made from now on, by Of or because a client came
// to one of a Parent. It runs before any client is let in, in the goroutine of Of or in one of the client's, with no
// lock held: clients of that namespace wait for it. A namespace that is forgotten and comes again is new.
func (io *Server) OnNewNamespace(f func(*Namespace)) { io.core.newNamespace.add(f) }

// OnUpgrade registers what is told of each connection that moves from long-polling to WebSocket. It runs in the
// goroutine that reads the connection, before what comes by WebSocket is read, with no lock held.
func (io *Server) OnUpgrade(f func(*Conn)) { io.core.upgrade.add(f) }

// OfPattern admits clients to every namespace whose name matches re. Anchor it: "^/room-[0-9]+$".
func (io *Server) OfPattern(re *regexp.Regexp) *Parent {
	return io.OfFunc(func(name string, _ json.RawMessage) bool { return re.MatchString(name) })
}

// OfFunc admits clients to every namespace for which match says yes; it is asked about each client. It may block.
func (io *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	p := &Parent{core: io.core, match: match, children: make(map[*Namespace]struct{})}
	io.core.names.addParent(p)
	return p
}
