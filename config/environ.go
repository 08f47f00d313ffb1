package config

import (
	"regexp"
	"strings"
)

const (
	envPrefix = "CRIER_"
	envFile   = "CRIER_CONFIG"
	envPort   = "PORT"
	flagFile  = "config"

	envOwnPort = envPrefix + "PORT" // of Kubernetes it is a URL; a bare number somebody has meant
)

// injected are the variables that Kubernetes puts into every pod beside a service named "crier", and that nobody
// wrote.
var injected = regexp.MustCompile(`^CRIER_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// layer is what one source gives: values, and where the file is.
type layer struct {
	given []given
	file  *namedFile
}

// parseEnviron reads the variables. One that is empty counts as not set, unless nothing means something to the
// setting: that is how compose files and shells pass on what nobody set.
func (r *reader) parseEnviron(environ []string) layer {
	var l layer
	port, addr := "", false
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		switch {
		case text == "" && !meansNothing(name):
		case name == envFile:
			l.file = &namedFile{path: text, where: name}
		case name == envPort:
			port = text
		case strings.HasPrefix(name, envPrefix) && (!injected.MatchString(name) || name == envOwnPort && isPort(text)):
			s := lookup(name, (*setting).env)
			if s == nil {
				r.mistakes.unknown(name, name, append(names((*setting).env), envFile))
				continue
			}
			addr = addr || s.name == "addr"
			l.given = append(l.given, given{setting: s, where: name, text: text})
		}
	}
	if port != "" && !addr {
		l.given = append(l.given, r.fromPort(port)...)
	}
	return l
}

// fromPort turns PORT, which platforms set to a bare number, into an address.
func (r *reader) fromPort(port string) []given {
	if !isPort(port) {
		r.mistakes.add("%s: %v; it must be a port from 0 to 65535", envPort, refuse(port))
		return nil
	}
	return []given{{setting: lookup("addr", settingName), where: envPort, text: ":" + port}}
}

// meansNothing says whether an empty variable of that name is a setting's value.
func meansNothing(name string) bool {
	s := lookup(name, (*setting).env)
	return s != nil && s.orNone
}

func settingName(s *setting) string { return s.name }
