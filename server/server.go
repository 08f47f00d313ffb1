// Package server is the house around Crier's handlers: it serves the page, mounts Socket.IO, listens, and takes its
// leave in order when it is told to stop.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/admin"
	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/origin"
	"github.com/crier/crier/server/socketio"
)

// A Server is one running Crier. Its methods may be called concurrently; Run is called once.
type Server struct {
	config   *config.Config
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	io       *socketio.Server
	feed     *feed.Log
	room     *handlers.Core
	plain    *endpoints
	metrics  *admin.Metrics
	tls      *encryption // nil: all is plain
	ready    atomic.Bool // what /readyz tells
	instance string      // names this process to `crier doctor`

	proxies     atomic.Pointer[proxies]
	hosts       atomic.Pointer[origin.Hosts] // by which it may be asked; nil: see hostsAt
	unnamed     unnamed                      // proxies that nobody trusts
	connections *connections                 // those of all listeners
	addresses   *limit.Addresses             // what each address has open, here and at the plain endpoints
	shares      *limit.Shares                // of the bytes that are held for clients
	kept        *limit.Kept                  // who owns what is kept; nil: nobody is bound
	speakers    limit.Waits                  // of speakers who say more than they may
	readers     limit.Waits                  // of clients who read more than they may
	hits        limit.Hits                   // of the limits that the house itself keeps
	unread      unread                       // requests that never came to a handler
	spokeTLS    atomic.Uint64                // clients that spoke TLS to a plain address,
	spokePlain  atomic.Uint64                // and plain HTTP to one of TLS
	hungUp      atomic.Uint64                // connections of HTTP/2 whose clients reset too much
	turned      *limit.Outlet                // what is logged of clients that are turned away,
	closed      *limit.Outlet                // of connections that are,
	shed        *limit.Outlet                // and of clients that held too much
	faults      *faults                      // what fails in net/http and in handlers of the house
	refusals    *refusals                    // of pages, and of requests for other hosts
	reload      reload                       // what is in force of settings that were read again
}

// New opens the feed, builds a server and takes its address, so that a folder or an address that is in use is an
// error of the start. Run or Close gives both back.
func New(c *config.Config, log *slog.Logger) (*Server, error) {
	s := &Server{
		config: c, log: log, instance: rand.Text(),
		hits:   limit.NewHits(limitHeaders, limitConnections, limitAddressConnections, limitHeld, limitKept),
		turned: limit.NewOutlet(), closed: limit.NewOutlet(), shed: limit.NewOutlet(),
		faults: &faults{log, limit.NewOutlet()}, refusals: newRefusals(log),
	}
	var err error
	if s.tls, err = s.newEncryption(c); err != nil {
		return nil, err
	}
	s.trust(c.TrustedProxies)
	hosts, err := hostsOf(c.AllowedHosts)
	if err != nil {
		return nil, err
	}
	s.allowHosts(hosts)
	s.reload = reload{current: c, parts: s.reloaders()}
	if err := s.newLimits(); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		s.shares.Close()
		return nil, err
	}
	return s, nil
}

// open opens the feed, builds the rooms of the house and takes the addresses. After an error all is closed again.
func (s *Server) open() (err error) {
	c := s.config
	if s.feed, err = openFeed(c, s.log, s.kept.Full); err != nil {
		return err
	}
	if s.io, err = socketio.New(s.socketOptions()); err != nil {
		return errors.Join(err, s.closeFeed(lastSync))
	}
	s.room = handlers.Register(s.io, s.feed, s.roomOptions())
	if s.plain, err = s.newEndpoints(s.room); err != nil {
		return errors.Join(err, s.closeSockets())
	}
	s.metrics = s.newMetrics()
	routes, err := s.routes()
	if err != nil {
		return errors.Join(err, s.plain.close(), s.closeSockets())
	}
	s.http = s.httpServer(s.guard(c.Addr, routes, HealthPath, ReadyPath))
	if s.tls != nil {
		s.encrypt(s.http, withHTTP2)
	}
	if s.listener, err = listen(c.Addr); err != nil {
		return errors.Join(fmt.Errorf("cannot listen on %s: %w", c.Addr, err), s.plain.close(), s.closeSockets())
	}
	if err := s.openRedirect(); err != nil {
		return errors.Join(err, s.listener.Close(), s.plain.close(), s.closeSockets())
	}
	return nil
}

// listen takes an address. TCP's own probes are off: heartbeats and timeouts notice a lost client sooner, and to turn
// them on is four system calls for each connection.
func listen(addr string) (net.Listener, error) {
	return (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", addr)
}

// httpServer sets the limits that hold before a handler runs. There is none on the time a whole request or its answer
// may take: a poll waits for as long as nobody speaks. The page's files and the engine each set their own.
func (s *Server) httpServer(routes http.Handler) *http.Server {
	return &http.Server{
		Handler:           deepStack(s.fewHeaders(routes)),
		ReadHeaderTimeout: s.config.ReadHeaderTimeout,
		IdleTimeout:       s.config.IdleTimeout,
		MaxHeaderBytes:    s.config.MaxHeaderBytes,
		ErrorLog:          stdlog.New(httpLog{s}, "", 0),
		ConnContext:       s.arrived,
		ConnState:         s.watch,
	}
}

// arrived is told of each new connection.
func (s *Server) arrived(ctx context.Context, conn net.Conn) context.Context {
	return onLine(s.unread.arrived(ctx, conn), conn)
}

// watch is told what each connection is at.
func (s *Server) watch(conn net.Conn, state http.ConnState) {
	s.unread.watch(conn, state)
	s.connections.watch(inside(conn), state)
}

func (s *Server) socketOptions() socketio.Options {
	c := s.config
	return socketio.Options{
		ConnectTimeout: c.ConnectTimeout,
		MaxAttachments: c.MaxAttachments,
		MaxDepth:       c.MaxDepth,
		MaxInbox:       c.MaxInbox,
		MaxNamespaces:  c.MaxNamespaces,
		MaxRooms:       c.MaxRooms,
		MaxAcks:        c.MaxAcks,
		MaxEventName:   c.MaxEventName,
		MaxEventRate:   c.MaxEventRate,
		MaxByteRate:    c.MaxByteRate,
		Recovery: socketio.Recovery{
			Disabled:    !c.Recovery,
			MaxAge:      c.RecoveryTime,
			MaxPackets:  c.MaxRecoveryPackets,
			MaxBytes:    c.MaxRecoveryBytes,
			MaxSessions: c.MaxRecoverySessions,
		},
		Logger: s.log,
		Engine: engineio.Options{
			PingInterval:      c.PingInterval,
			PingTimeout:       c.PingTimeout,
			UpgradeTimeout:    c.UpgradeTimeout,
			WriteTimeout:      c.WriteTimeout,
			MaxPayload:        c.MaxPayload,
			MaxQueue:          c.MaxQueue,
			MaxPackets:        c.MaxPackets,
			MaxFragments:      c.MaxFragments,
			MessageTimeout:    c.MessageTimeout,
			MaxSessions:       c.MaxSessions,
			MaxPacketRate:     c.MaxPacketRate,
			Addresses:         s.addresses,
			Address:           s.address,
			Account:           s.account,
			Line:              lineOf,
			Refused:           s.refusedSession,
			Transports:        c.Transports,
			DisableUpgrades:   !c.AllowUpgrades,
			DisableEIO3:       !c.AllowEIO3,
			AllowedOrigins:    c.AllowedOrigins,
			CompressWebSocket: c.WebSocketCompression,
			CompressHTTP:      c.HTTPCompression,
			Hosts:             s.otherHosts,
			RefusedOrigin:     s.refusedOrigin,
			Logger:            s.log,
		},
	}
}

// Addr returns the address that the server listens on, with the port it got when the setting says 0.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx is done, then drains: it is no longer ready, refuses new sessions, tells its clients, and cuts
// those that have not left within the drain timeout. The error is that of a listener that failed.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1+len(s.plain.doors))
	go func() { failed <- s.serveOn(s.http, s.listener, "addr") }() // ends with the listener, which drain closes
	s.plain.serve(s, failed)
	defer s.watchOver(ctx)()
	s.ready.Store(true)
	s.announce()

	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serving: %w", err), s.Close())
	case <-ctx.Done():
		s.drain(errors.Is(context.Cause(ctx), ErrRestart))
		for range cap(failed) {
			<-failed
		}
		return nil
	}
}

// watchOver starts what watches the process while it serves, and returns what ends it. The wait is bounded: an
// authority may have told when to ask again, and golang.org/x/crypto/acme sleeps until then.
func (s *Server) watchOver(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	watchers.Go(func() { s.mindMemory(ctx) })
	watchers.Go(func() { s.watchCertificates(ctx) })
	return func() {
		cancel()
		ended := make(chan struct{})
		go func() { watchers.Wait(); close(ended) }() // ends with the last watcher
		select {
		case <-ended:
		case <-time.After(watchersEnd):
		}
	}
}

// watchersEnd is how long Run waits for its watchers at most.
const watchersEnd = 5 * time.Second

// ErrRestart, as the cause of the context that Run is given, says that the server will be back at once; clients whose
// protocol has a word for that are told.
var ErrRestart = errors.New("restart")

// drain closes the sessions before the listener: a client on polling needs another request to hear that it must go.
func (s *Server) drain(restart bool) {
	s.ready.Store(false)
	s.plain.plain.Drain(restart)
	s.log.Info("Crier is draining", "timeout", s.config.DrainTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()

	if err := s.io.Close(ctx); err != nil {
		s.log.Warn("sessions were cut: their clients had not left within drain_timeout", "error", err)
	}
	if err := s.plain.plain.Close(ctx); err != nil {
		s.log.Warn("WebSockets were cut: their clients had not left within drain_timeout", "error", err)
	}
	if err := errors.Join(s.http.Shutdown(ctx), s.plain.shutdown(ctx)); err != nil {
		s.log.Warn("requests were cut: they had not ended within drain_timeout", "error", err)
		_ = errors.Join(s.http.Close(), s.plain.close())
	}
	s.removeURL()
	s.endFeed(ctx)
	s.shares.Close()
	s.log.Info("Crier has stopped")
}

// Close cuts everything off at once.
func (s *Server) Close() error {
	s.ready.Store(false)
	s.removeURL()
	err := errors.Join(s.plain.close(), s.closeSockets())
	if closed := s.listener.Close(); !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	err = errors.Join(err, s.http.Close())
	s.shares.Close()
	return err
}

// closeSockets ends all sessions without waiting for their clients, and then the feed.
func (s *Server) closeSockets() (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if closed := s.io.Close(ctx); !errors.Is(closed, context.Canceled) {
		err = closed
	}
	return errors.Join(err, s.closeFeed(lastSync))
}
