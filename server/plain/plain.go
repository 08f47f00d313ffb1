// Package plain serves pages that open a bare WebSocket, without socket.io.js: three endpoints to learn and test with
// (echo, hello, chat) and one, news, that is the same room as Socket.IO's.
//
// On each of them
//
//   - the text "ping" is answered with the text "pong", and "stop" closes the connection normally;
//   - WebSocket ping frames are answered, and sent to a client that has been quiet;
//   - a connection ends with a close code and a reason in words, on either side;
//   - the outbound queue is bounded, and a client that does not take what is sent to it is cut off.
package plain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/outbound"
)

// Subprotocols, the values of Sec-WebSocket-Protocol that the endpoints speak. A client need not ask for one.
const (
	SubprotocolText = "crier.v1.text" // echo, hello and chat
	SubprotocolJSON = "crier.v1.json" // news
)

// Options configure a Server. The zero value of each field means its default.
type Options struct {
	// PingInterval is how long a client may be quiet before it is pinged. Zero value means 25 s.
	PingInterval time.Duration

	// PingTimeout is how long it may stay quiet then. Zero value means 20 s.
	PingTimeout time.Duration

	// WriteTimeout is how long a client may take no byte at all while some wait for it. Zero value means 20 s.
	WriteTimeout time.Duration

	// MaxPayload is the largest message of a client, in bytes. Zero value means 1,000,000.
	MaxPayload int

	// MaxQueue is how many bytes may wait for one client. Zero value means 4 MiB.
	MaxQueue int

	// MaxClients is how many clients there may be at the news endpoints. Zero value means 10,000.
	MaxClients int

	// MaxToys is how many there may be at all the others together, which can't take the places of the former. Zero
	// value means MaxClients.
	MaxToys int

	// MaxRate is how many messages, pings and pongs one client may send in a second, sustained; twice as many at once.
	// Zero value means 200.
	MaxRate int

	// MaxFragments is how many frames a message may come in, empty ones included. Zero value means 1,024.
	MaxFragments int

	// MessageTimeout is how long a message may take from its first byte to its last. Zero value means 30 s.
	MessageTimeout time.Duration

	// Addresses bounds what one IP address may open. It may be shared with other servers. Zero value means one with
	// its defaults.
	Addresses *limit.Addresses

	// Address returns the IP address, without port, of the client that a request comes from. Zero value means the peer
	// of the connection.
	Address func(*http.Request) string

	// Refused, if set, is told of each client that was refused for MaxClients or by Addresses.
	Refused func(*http.Request, Limit)

	// Account, if set, returns what counts what is held for one client of that IP address. It is asked once for each
	// client that its address may have. Nil: nobody counts.
	Account func(address string) Account

	// Compression accepts permessage-deflate from clients that offer it.
	Compression bool

	// RefuseOrigin, if set, says in at most 123 bytes why the page that a request comes from may not connect; "" if it
	// may.
	RefuseOrigin func(*http.Request) string

	// Logger takes what hello and chat are there to log, and failures: of each kind ten lines at once and one a second,
	// lasting. Zero value means slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	if err := errors.Join(o.setTimes(), o.setCounts()); err != nil {
		return o, err
	}
	if o.RefuseOrigin == nil {
		o.RefuseOrigin = func(*http.Request) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Address == nil {
		o.Address = func(r *http.Request) string { return limit.PeerOf(r.RemoteAddr) }
	}
	var err error
	if o.Addresses == nil {
		o.Addresses, err = limit.NewAddresses(limit.AddressLimits{})
	}
	return o, err
}

func (o *Options) setTimes() error {
	for _, d := range []struct {
		name  string
		field *time.Duration
		value time.Duration
	}{
		{"PingInterval", &o.PingInterval, 25 * time.Second},
		{"PingTimeout", &o.PingTimeout, 20 * time.Second},
		{"WriteTimeout", &o.WriteTimeout, 20 * time.Second},
		{"MessageTimeout", &o.MessageTimeout, 30 * time.Second},
	} {
		if *d.field = cmp.Or(*d.field, d.value); *d.field < time.Millisecond {
			return fmt.Errorf("plain: %s is %v: it must be at least 1 ms", d.name, *d.field)
		}
	}
	return nil
}

func (o *Options) setCounts() error {
	for _, d := range []struct {
		name  string
		field *int
		value int
	}{
		{"MaxPayload", &o.MaxPayload, 1_000_000},
		{"MaxQueue", &o.MaxQueue, 4 << 20},
		{"MaxClients", &o.MaxClients, 10_000},
		{"MaxToys", &o.MaxToys, cmp.Or(o.MaxClients, 10_000)},
		{"MaxRate", &o.MaxRate, 200},
		{"MaxFragments", &o.MaxFragments, 1024},
	} {
		if *d.field = cmp.Or(*d.field, d.value); *d.field < 0 {
			return fmt.Errorf("plain: %s is %d: it must be positive", d.name, *d.field)
		}
	}
	return nil
}

// A Server holds what the endpoints share: limits, the flusher and the clients. All methods may be called
// concurrently.
type Server struct {
	opts    Options
	arena   outbound.Arena
	flusher *outbound.Flusher
	queues  outbound.OutboxLimits
	hits    limit.Hits
	lines   outlets

	mu sync.Mutex // guards the following

	clients map[*client]struct{} // until their connections have ended
	toys    int                  // of them, those that are not at a news endpoint
	refused map[*client]struct{} // who was not let in, until they have been told
	past    Stats                // of clients that have left
	goodbye *ending              // set when draining: what clients are told
	closing bool                 // nobody is even told
	empty   chan struct{}        // closed when closing and nobody is left
}

// New returns a server without clients.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Server{
		opts:    o,
		flusher: outbound.NewFlusher(),
		queues:  outbound.OutboxLimits{MaxBytes: o.MaxQueue, WriteTimeout: o.WriteTimeout},
		clients: make(map[*client]struct{}),
		refused: make(map[*client]struct{}),
		empty:   make(chan struct{}),
		hits:    newHits(),
		lines:   newOutlets(),
	}, nil
}

// An endpoint is what a client's messages mean. Calls for one client come one at a time; data is the endpoint's until
// it returns. What it returns ends the connection. closed is called once, last, for each client whose open returned
// nil.
type endpoint interface {
	subprotocol() string
	open(c *client) *ending
	text(c *client, data []byte) *ending
	binary(c *client, data []byte) *ending
	closed(c *client)
}

// Echo returns the endpoint that sends text back in upper case with "!!!" behind it, and binary as it came.
func (sv *Server) Echo() http.Handler { return sv.handler(echo{}) }

// Hello returns the endpoint that sends "world" and logs what it receives: ten messages at once and one a second,
// lasting, of all clients. A line says how many before it were not logged.
func (sv *Server) Hello() http.Handler { return sv.handler(hello{sv}) }

// Chat returns an endpoint whose clients, numbered from 1, hear each other. Each call makes another room.
func (sv *Server) Chat() http.Handler { return sv.handler(newChat(sv)) }

// News returns the endpoint whose clients take part in room.
func (sv *Server) News(room Room) *News {
	n := &News{server: sv, room: room}
	n.Handler = sv.handler(n)
	return n
}

func (sv *Server) handler(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sv.serve(w, r, e) })
}

// Len returns the number of clients.
func (sv *Server) Len() int {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	return len(sv.clients)
}

// add makes a client known, unless there is a reason not to. refusal is why it is not let in, which it must be told;
// ok is false when that can't be done either: the server has closed, or has as many to tell as it may have clients.
func (sv *Server) add(c *client, reason *ending) (refusal *ending, ok bool) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	switch {
	case sv.closing:
		return nil, false
	case reason != nil:
		refusal = reason
	case sv.goodbye != nil:
		refusal = sv.goodbye
	case !sv.hasPlace(c):
		refusal = endTooMany
	default:
		sv.clients[c] = struct{}{}
		if c.isToy() {
			sv.toys++
		}
		return nil, true
	}
	if len(sv.refused) >= sv.opts.MaxClients {
		return nil, false
	}
	sv.refused[c] = struct{}{}
	return refusal, true
}

// hasPlace says whether there is a place for c. sv.mu must be held.
func (sv *Server) hasPlace(c *client) bool {
	if c.isToy() {
		return sv.toys < sv.opts.MaxToys
	}
	return len(sv.clients)-sv.toys < sv.opts.MaxClients
}

func (sv *Server) remove(c *client) {
	c.release()
	var last Stats
	c.addTo(&last)
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.keep(last)
	if _, in := sv.clients[c]; in && c.isToy() {
		sv.toys--
	}
	delete(sv.clients, c)
	delete(sv.refused, c)
	sv.checkEmpty()
}

// checkEmpty is called after each step that may have been the last; nobody is added then. sv.mu must be held.
func (sv *Server) checkEmpty() {
	if sv.closing && len(sv.clients) == 0 && len(sv.refused) == 0 {
		close(sv.empty)
	}
}

// Drain turns new clients away and tells each client that the server is going away, with code 1001, or, with restart,
// that it will be back at once, with code 1012. The first call counts.
func (sv *Server) Drain(restart bool) {
	sv.mu.Lock()
	if sv.goodbye != nil {
		sv.mu.Unlock()
		return
	}
	sv.goodbye = endGoingAway
	if restart {
		sv.goodbye = endRestart
	}
	goodbye, all := sv.goodbye, slices.Collect(maps.Keys(sv.clients))
	sv.mu.Unlock()
	for _, c := range all {
		c.end(goodbye)
	}
}

// Close drains the server and waits until all clients have left; when ctx is over the rest is cut off and ctx's error
// is returned. Calls of an endpoint's Room that are under way are waited for even then.
func (sv *Server) Close(ctx context.Context) error {
	sv.Drain(false)
	sv.close()
	var err error
	select {
	case <-sv.empty:
	case <-ctx.Done():
		err = ctx.Err()
		sv.cutOff()
		<-sv.empty
	}
	sv.flusher.Close()
	return err
}

// close takes no connection any more.
func (sv *Server) close() {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if !sv.closing {
		sv.closing = true
		sv.checkEmpty()
	}
}

// cutOff ends all connections, those that are being closed in good order too.
func (sv *Server) cutOff() {
	sv.mu.Lock()
	all := slices.AppendSeq(slices.Collect(maps.Keys(sv.clients)), maps.Keys(sv.refused))
	sv.mu.Unlock()
	for _, c := range all {
		c.stopTimer()
		c.out.Close()
	}
}
