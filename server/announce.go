package server

import (
	"net"
	"os"
	"path/filepath"
	"strings"
)

// announce tells the operator, and `crier healthcheck`, where Crier is and what it keeps.
func (s *Server) announce() {
	url := localURL(s.scheme(), s.Addr())
	if err := s.writeURL(url); err != nil {
		s.log.Warn("`crier healthcheck` will need to be given the address: it cannot be written into the data folder",
			"error", err)
	}
	s.log.Info("Crier is listening",
		"version", Version, "url", url, "addr", s.Addr().String(), "path", s.config.Path)
	keeps := []any{
		"max_age", s.config.Text("feed_max_age"), "max_messages", s.config.FeedMaxEntries,
		"max_bytes", s.config.Text("feed_max_bytes"),
	}
	if s.config.Data == "" {
		s.log.Info("what is said is kept in memory, and lost when Crier ends", keeps...)
		return
	}
	held := s.feed.Stats().Held // between the offsets of two lives there is nothing
	s.log.Info("what is said is kept", append([]any{"folder", absolute(s.config.Data), "messages", held}, keeps...)...)
}

// urlFile holds, in the data folder, the URL of the Crier that uses the folder, for programs on the same machine.
const urlFile = "crier.url"

// writeURL leaves nothing half-written: a check may come at any time.
func (s *Server) writeURL(url string) error {
	if s.config.Data == "" {
		return nil
	}
	path := filepath.Join(s.config.Data, urlFile)
	if err := os.WriteFile(path+".new", []byte(url+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// removeURL is called while the folder is still Crier's own.
func (s *Server) removeURL() {
	if s.config.Data != "" {
		_ = os.Remove(filepath.Join(s.config.Data, urlFile)) // it may never have been written
	}
}

// RunningURL returns the URL of the Crier that uses a data folder, or "" when that can't be known. It is wrong
// when that Crier was killed.
func RunningURL(folder string) string {
	if folder == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(folder, urlFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// absolute is a path that means the same to everybody.
func absolute(folder string) string {
	if path, err := filepath.Abs(folder); err == nil {
		return path
	}
	return folder
}

// scheme is that of the URLs under which Crier is reached.
func (s *Server) scheme() string {
	if s.tls != nil {
		return "https"
	}
	return "http"
}

// localURL is what to type into a browser on this machine.
func localURL(scheme string, addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
