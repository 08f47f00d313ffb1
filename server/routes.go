package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/crier/crier/public"
)

// Paths that orchestrators and load balancers ask.
const (
	HealthPath = "/healthz" // 200 while the process lives
	ReadyPath  = "/readyz"  // 200 while it takes new sessions and stores what is said; else 503
)

// Gin's mode is one for the whole process, and its debug mode prints every route.
func init() { gin.SetMode(gin.ReleaseMode) }

// routes puts everything that is served under its path. Socket.IO has nothing between it and the connection but Gin's
// lookup, which takes 50 ns and no memory, and a look at the log's level: no other middleware runs for a poll.
func (s *Server) routes() (http.Handler, error) {
	assets, err := page(s.config)
	if err != nil {
		return nil, err
	}
	if taken := conflict(s.config.Path, assets); taken != "" {
		return nil, fmt.Errorf("the setting path is %q, where %q of the page is; choose another", s.config.Path, taken)
	}

	g := gin.New()
	g.RedirectTrailingSlash = false
	g.Use(s.accessLog)
	g.Any(s.config.Path+"*file", s.socketIO())
	g.Any(strings.TrimSuffix(s.config.Path, "/"), gin.WrapH(s.io)) // clients with addTrailingSlash: false

	s.plain.mount(g.Group("/", s.bounded))

	site := g.Group("/", s.recovered, s.bounded, s.secured)
	for path, file := range assets {
		site.GET(path, gin.WrapH(file))
		site.HEAD(path, gin.WrapH(file))
	}
	site.GET(strings.TrimSuffix(public.Playground, "/"), gin.WrapF(toFolder))
	site.HEAD(strings.TrimSuffix(public.Playground, "/"), gin.WrapF(toFolder))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		site.Handle(method, HealthPath, s.healthz)
		site.Handle(method, ReadyPath, s.readyz)
	}
	if s.config.Metrics && s.config.MetricsAddr == "" {
		site.GET(MetricsPath, gin.WrapH(s.metrics))
	}
	g.NoRoute(s.bounded, s.secured, func(c *gin.Context) { c.String(http.StatusNotFound, "404: nothing is here\n") })
	return g, nil
}

// reserved are the paths of the house beside the page's files.
var reserved = []string{HealthPath, ReadyPath, MetricsPath, "/ws", "/websocket"}

// conflict returns the path of the house that lies under that of Socket.IO, if there is one.
func conflict(path string, assets map[string]*asset) string {
	for file := range assets {
		if strings.HasPrefix(file+"/", path) {
			return file
		}
	}
	for _, own := range reserved {
		if strings.HasPrefix(own+"/", path) {
			return own
		}
	}
	return ""
}

// socketIO serves the client scripts, which lie under the same path as Socket.IO, and hands on everything else.
func (s *Server) socketIO() gin.HandlerFunc {
	bundles := &scripts{compress: s.config.HTTPCompression}
	return func(c *gin.Context) {
		if name := c.Param("file")[1:]; name != "" && public.IsClient(name) {
			s.bound(c.Writer)
			if !s.io.Share(c.Writer, c.Request) {
				bundles.serve(c.Writer, c.Request, name)
			}
			return
		} else if asksForDiagnosis(name, c.Request) {
			s.diagnose(c)
			return
		}
		s.io.ServeHTTP(c.Writer, c.Request)
	}
}

func (s *Server) healthz(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

func (s *Server) readyz(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	if !s.ready.Load() {
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "draining"})
		return
	}
	if err := s.feed.Health(); err != nil {
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "not storing", "reason": err.Error()})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
}

// recovered answers 500 when a handler of the house panics. A panic behind Socket.IO is net/http's to catch: the
// connection may be a WebSocket by then, which no answer fits.
func (s *Server) recovered(c *gin.Context) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			panic(cause)
		default:
			s.faults.note(slog.LevelError, "panic in a handler",
				"path", c.Request.URL.Path, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			c.AbortWithStatus(http.StatusInternalServerError)
		}
	}()
	c.Next()
}

// bounded limits how long a file may take on its way to the client, and a body that nobody reads on its way here.
// net/http lifts both again before the connection's next request, and when a WebSocket takes it over. Socket.IO has
// limits of its own.
func (s *Server) bounded(c *gin.Context) {
	s.bound(c.Writer)
	c.Next()
}

func (s *Server) bound(w http.ResponseWriter) {
	deadline := time.Now().Add(s.config.WriteTimeout)
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(deadline)                             // fails only in tests without a connection
	_ = connection.SetWriteDeadline(deadline.Add(s.config.WriteTimeout)) // the answer waits for the body
}

// secured tells browsers to take each file for what it says it is, and where the page may load from.
func (s *Server) secured(c *gin.Context) {
	s.strict(c.Writer, c.Request)
	header := c.Writer.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	policy := public.Policy
	if strings.HasPrefix(c.Request.URL.Path, public.Playground) {
		policy = public.PlaygroundPolicy
	}
	header.Set("Content-Security-Policy", policy(s.askedFor(c.Request)[0])+"; frame-ancestors 'self'")
	header.Set("Referrer-Policy", "same-origin")
	c.Next()
}
