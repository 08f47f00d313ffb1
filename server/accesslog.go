package server

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// accessLog writes a line for each request when it has ended, while the log's level is debug. The query stays out:
// it holds the session's id.
func (s *Server) accessLog(c *gin.Context) {
	if !s.log.Enabled(c.Request.Context(), slog.LevelDebug) {
		return // Gin goes on with the next handler by itself
	}
	w := &observed{ResponseWriter: c.Writer}
	c.Writer = w
	began := time.Now()
	c.Next()
	s.log.Debug("request",
		"method", c.Request.Method, "path", c.Request.URL.Path, "status", w.status(),
		"bytes", max(c.Writer.Size(), 0), "took", time.Since(began).String(), "address", s.address(c.Request))
}

// observed notes whether a WebSocket has taken the connection over: its answer passes by net/http.
type observed struct {
	gin.ResponseWriter

	hijacked bool
}

// Hijack implements http.Hijacker.
func (w *observed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := w.ResponseWriter.Hijack()
	w.hijacked = err == nil
	return nc, rw, err
}

// Unwrap lets an http.ResponseController find the deadlines.
func (w *observed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *observed) status() int {
	if w.hijacked {
		return http.StatusSwitchingProtocols
	}
	return w.Status()
}
