package server

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/admin"
	"github.com/crier/crier/server/internal/logging"
)

// NewLog returns the log of a process, for New: JSON, or lines for a person when log_format says so or w is a
// terminal. Nothing waits for w; what it does not take is counted as crier_log_lost_lines_total. Close writes what
// is left.
func NewLog(c *config.Config, w io.Writer) *logging.Log {
	file, isFile := w.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	return logging.New(w, logging.Options{
		Level: c.LogLevel,
		Text:  c.LogFormat == "text" || c.LogFormat == "auto" && terminal,
		Color: terminal,
	})
}

// logMetrics tells what is missing in the log. Of a logger that a program has given New itself, nothing is known to be.
func (s *Server) logMetrics(scrape *admin.Scrape) {
	scrape.Counter("crier_log_lost_lines_total", "Lines of the log that could not be written.", logging.Of(s.log).Lost())
}
