package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/crier/crier/config"
	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/plain"
)

// endpoints are the plain WebSocket endpoints: where they are on Crier's own address, and those that have addresses of
// their own.
type endpoints struct {
	plain *plain.Server
	paths map[string]http.Handler
	doors []*door
}

// A door is an address that leads to one endpoint, whatever the path.
type door struct {
	name     string // of the setting
	listener net.Listener
	http     *http.Server
}

// newsRoom lets plain clients into the handlers' room.
type newsRoom struct{ *handlers.Core }

func (r newsRoom) Visit(l plain.Listener) plain.Visitor { return r.Core.Visit(l) }

func (s *Server) newEndpoints(room *handlers.Core) (*endpoints, error) {
	c := s.config
	sv, err := plain.New(plain.Options{
		PingInterval:   c.PingInterval,
		PingTimeout:    c.PingTimeout,
		WriteTimeout:   c.WriteTimeout,
		MaxPayload:     c.MaxPayload,
		MaxQueue:       c.MaxQueue,
		MaxClients:     c.MaxPlain,
		MaxRate:        c.MaxPlainRate,
		MaxFragments:   c.MaxFragments,
		MessageTimeout: c.MessageTimeout,
		Addresses:      s.addresses,
		Address:        s.address,
		Refused:        s.refusedClient,
		Account:        s.plainAccount,
		Compression:    c.WebSocketCompression,
		RefuseOrigin:   s.refuseOrigin,
		Logger:         s.log,
	})
	if err != nil {
		return nil, err
	}
	echo, hello, chat, news := sv.Echo(), sv.Hello(), sv.Chat(), sv.News(newsRoom{room})
	room.Also(news)
	e := &endpoints{plain: sv, paths: map[string]http.Handler{
		"/ws/echo": echo, "/ws/hello": hello, "/websocket": hello, "/ws/chat": chat, "/ws/news": news,
	}}
	for _, d := range []struct {
		name, addr string
		endpoint   http.Handler
	}{
		{"echo_addr", c.EchoAddr, echo}, {"hello_addr", c.HelloAddr, hello}, {"chat_addr", c.ChatAddr, chat},
		{"news_addr", c.NewsAddr, news}, {metricsName, metricsAddr(c), http.HandlerFunc(s.metricsDoor)},
	} {
		if err := e.open(s, d.name, d.addr, d.endpoint); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	return e, nil
}

// metricsAddr is where the metrics have an address of their own, if they have one.
func metricsAddr(c *config.Config) string {
	if !c.Metrics {
		return ""
	}
	return c.MetricsAddr
}

// open takes an address, unless there is none.
func (e *endpoints) open(s *Server, name, addr string, endpoint http.Handler) error {
	if addr == "" {
		return nil
	}
	listener, err := listen(addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (%s): %w", addr, name, err)
	}
	served := s.doorway(endpoint)
	switch name {
	case redirectAddr: // says nothing that a page of another site could want
	case metricsName:
		served = s.guardInside(addr, served)
	default:
		served = s.guard(addr, served)
	}
	d := &door{name: name, listener: listener, http: s.httpServer(served)}
	if s.tls != nil && !plainByPurpose(name) {
		s.encrypt(d.http, socketsWay)
	}
	e.doors = append(e.doors, d)
	return nil
}

// openRedirect takes the address that sends clients on to https, if there is to be one.
func (s *Server) openRedirect() error {
	if s.tls == nil || s.config.RedirectAddr == "" {
		return nil
	}
	return s.plain.open(s, redirectAddr, s.config.RedirectAddr, s.redirect())
}

// The settings of addresses that speak plain HTTP even where Crier speaks TLS.
const (
	redirectAddr = "redirect_addr"
	metricsName  = "metrics_addr" // for Prometheus, inside, by an address that no certificate names
)

func plainByPurpose(setting string) bool { return setting == redirectAddr || setting == metricsName }

// doorway sets the limits that hold for every request of a door.
func (s *Server) doorway(endpoint http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.bound(w)
		endpoint.ServeHTTP(w, r)
	})
}

// mount puts the endpoints under their paths.
func (e *endpoints) mount(g gin.IRoutes) {
	for path, endpoint := range e.paths {
		g.GET(path, gin.WrapH(endpoint))
	}
}

// serve serves the endpoints that have addresses of their own; each sends one error on failed, when its listener ends.
func (e *endpoints) serve(s *Server, failed chan<- error) {
	for _, d := range e.doors {
		s.log.Info("an endpoint is listening", "setting", d.name, "addr", d.listener.Addr().String())
		go func() { failed <- s.serveOn(d.http, d.listener, d.name) }() // ends with the listener, which drain closes
	}
}

// shutdown waits for requests that are under way; WebSockets are not among them.
func (e *endpoints) shutdown(ctx context.Context) (err error) {
	for _, d := range e.doors {
		err = errors.Join(err, d.http.Shutdown(ctx))
	}
	return err
}

// close cuts everything off at once.
func (e *endpoints) close() (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if closed := e.plain.Close(ctx); !errors.Is(closed, context.Canceled) {
		err = closed
	}
	for _, d := range e.doors {
		if closed := d.listener.Close(); !errors.Is(closed, net.ErrClosed) {
			err = errors.Join(err, closed)
		}
		err = errors.Join(err, d.http.Close())
	}
	return err
}
