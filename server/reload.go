package server

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server/internal/limit"
	"github.com/crier/crier/server/internal/logging"
	"github.com/crier/crier/server/origin"
)

// A Reloader is a part of the server that takes settings while it runs.
type Reloader struct {
	// Settings are the names of those that it takes.
	Settings []string

	// Prepare checks next and returns what puts it in force, which can't fail; nil, if there is nothing new. It is
	// called at each reload, also when none of the settings has another value: a file that one of them names may
	// have changed.
	Prepare func(next *config.Config) (apply func(), err error)
}

// reloaders are the parts that take settings while the server runs. All others need a restart.
func (s *Server) reloaders() []Reloader {
	return []Reloader{
		{Settings: []string{"log_level"}, Prepare: s.prepareLogLevel},
		{Settings: []string{"trusted_proxies"}, Prepare: s.prepareProxies},
		{Settings: []string{"tls_cert", "tls_key"}, Prepare: s.prepareCertificates},
		{Settings: []string{"allowed_origins"}, Prepare: s.prepareOrigins},
		{Settings: []string{"allowed_hosts"}, Prepare: s.prepareHosts},
		{Settings: []string{"max_address_sessions", "max_address_rate"}, Prepare: s.prepareAddresses},
		{Settings: []string{
			"max_message_rate", "max_message_burst", "max_message_byte_rate", "max_message_byte_burst", "max_read_rate",
		}, Prepare: s.preparePaces},
		{Settings: []string{"max_event_rate", "max_byte_rate", "max_packet_rate"}, Prepare: s.prepareRates},
	}
}

func (s *Server) prepareLogLevel(next *config.Config) (func(), error) {
	log := logging.Of(s.log)
	if log == nil {
		return nil, nil // a program that gives New a logger of its own sets its level itself
	}
	return func() { log.SetLevel(next.LogLevel) }, nil
}

func (s *Server) prepareProxies(next *config.Config) (func(), error) {
	return func() { s.trust(next.TrustedProxies) }, nil
}

func (s *Server) prepareOrigins(next *config.Config) (func(), error) {
	list, err := origin.NewList(next.AllowedOrigins)
	return func() { s.io.AllowOrigins(list) }, err
}

func (s *Server) prepareHosts(next *config.Config) (func(), error) {
	hosts, err := hostsOf(next.AllowedHosts)
	return func() { s.allowHosts(hosts) }, err
}

func (s *Server) prepareAddresses(next *config.Config) (func(), error) {
	limits := limit.AddressLimits{MaxOpen: next.MaxAddressSessions, MaxRate: next.MaxAddressRate}
	return func() { _ = s.addresses.Limit(limits) }, nil // the settings are positive
}

func (s *Server) preparePaces(next *config.Config) (func(), error) {
	return func() { s.room.Pace(rates(next)) }, nil
}

func (s *Server) prepareRates(next *config.Config) (func(), error) {
	return func() {
		s.io.LimitRates(next.MaxEventRate, next.MaxByteRate)
		s.io.LimitPackets(next.MaxPacketRate)
	}, nil
}

// trust believes the proxies of these networks, which have been checked, from now on.
func (s *Server) trust(networks []string) {
	p := newProxies(networks)
	s.proxies.Store(&p)
}

func (s *Server) trusts(a netip.Addr) bool { return s.proxies.Load().trust(a) }

// reload is what has become of the settings since the start.
type reload struct {
	mu      sync.Mutex     // one reload at a time; guards the following
	current *config.Config // those in force
	parts   []Reloader
}

// Reload reads the settings again and puts those in force that can change while the server runs: all of them, or,
// if anything is wrong, none. A line in the log tells what was taken and what needs a restart, or what is wrong.
func (s *Server) Reload(read func() (*config.Config, error)) {
	s.reload.mu.Lock()
	defer s.reload.mu.Unlock()
	next, err := read()
	if err == nil {
		err = s.take(next)
	}
	if err != nil {
		s.log.Error("the settings stay as they are: those that were read again are wrong", "mistakes", inOneLine(err))
	}
}

// take puts next in force. s.reload.mu must be held.
func (s *Server) take(next *config.Config) error {
	changed := s.reload.current.Changed(next)
	var wrong []error
	var taken []string
	var steps []func()
	for _, r := range s.reload.parts {
		apply, err := r.Prepare(next)
		wrong = append(wrong, err)
		if apply == nil {
			continue
		}
		steps = append(steps, apply)
		taken = append(taken, among(r.Settings, changed)...)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	left := slices.DeleteFunc(changed, func(name string) bool { return slices.Contains(taken, name) })

	hidden := next.LogLevel > slog.LevelInfo
	if hidden {
		s.tellReload(taken, left) // while it can still be seen
	}
	for _, apply := range steps {
		apply()
	}
	if !hidden {
		s.tellReload(taken, left)
	}
	s.reload.current = s.reload.current.With(next, taken)
	return nil
}

func (s *Server) tellReload(taken, left []string) {
	s.log.Info("the settings were read again", "taken", list(taken), "need_a_restart", list(left))
}

// among returns those of names that are in all.
func among(names, all []string) (both []string) {
	for _, name := range names {
		if slices.Contains(all, name) {
			both = append(both, name)
		}
	}
	return both
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
