package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/socketio/wire"
)

// A Server is a Socket.IO server: an http.Handler with namespaces. The methods of the main namespace, "/", are its own.
//
// All methods may be called concurrently.
type Server struct {
	*Namespace // "/"

	opts    Options
	limits  wire.Limits // as opts has them
	engine  *engineio.Server
	crew    crew
	record  *record
	present sync.WaitGroup // sockets on their way in, connected, or with handlers that still run

	hits     limit.Hits
	events   limit.Counter
	refused  atomic.Uint64
	dropped  atomic.Uint64
	warnings atomic.Uint64
	refusals *limit.Outlet // what is logged of events that are refused
	panics   *limit.Outlet

	mu sync.Mutex // guards the following

	namespaces map[string]*Namespace
	parents    []*Parent
}

// New returns a server. Mount it at the path that clients use, "/socket.io/" unless they are told otherwise.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	io := &Server{
		opts: o, limits: o.wireLimits(), record: newRecord(o.Recovery), namespaces: make(map[string]*Namespace),
		hits: newHits(), refusals: limit.NewOutlet(), panics: limit.NewOutlet(),
	}
	o.Engine.EscapeText = func(text []byte) []byte { return wire.AppendASCII(nil, text) }
	io.engine, err = engineio.New(o.Engine, io.accept)
	if err != nil {
		return nil, err
	}
	io.Namespace = io.Of("/")
	io.record.hold += io.engine.Heartbeat()
	return io, nil
}

// ServeHTTP serves every request of Socket.IO clients.
func (io *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { io.engine.ServeHTTP(w, r) }

// AllowsOrigin says whether the page that a request comes from may connect. It is for endpoints beside Socket.IO.
func (io *Server) AllowsOrigin(r *http.Request) bool { return io.engine.AllowsOrigin(r) }

// Drain refuses new sessions from now on.
func (io *Server) Drain() { io.engine.Drain() }

// Sessions returns the number of open sessions.
func (io *Server) Sessions() int { return io.engine.Len() }

// Close refuses new sessions, lets what is queued go out, tells every client that the server is going away, and waits until
// all sessions have ended and all handlers have returned. When ctx is over the rest is cut off and ctx's error is returned.
// A handler that calls it waits for itself, as long as ctx.
func (io *Server) Close(ctx context.Context) error {
	io.engine.Drain()
	io.record.close() // nobody can come back to this server
	err := io.engine.Close(ctx)
	defer io.crew.dismiss()
	done := make(chan struct{})
	go func() { // ends with the last handler
		io.present.Wait()
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
	io.mu.Lock()
	defer io.mu.Unlock()
	ns := io.namespaces[name]
	if ns == nil {
		ns = newNamespace(io, name)
		io.namespaces[name] = ns
	}
	ns.parent = nil // asked for by name, it stays
	return ns
}

// OfPattern admits clients to every namespace whose name matches re. Anchor it: "^/room-[0-9]+$".
func (io *Server) OfPattern(re *regexp.Regexp) *Parent {
	return io.OfFunc(func(name string, _ json.RawMessage) bool { return re.MatchString(name) })
}

// OfFunc admits clients to every namespace for which match says yes; it is asked about each client. It may block.
func (io *Server) OfFunc(match func(name string, auth json.RawMessage) bool) *Parent {
	p := &Parent{io: io, match: match, children: make(map[*Namespace]struct{})}
	io.mu.Lock()
	defer io.mu.Unlock()
	io.parents = append(io.parents, p)
	return p
}
