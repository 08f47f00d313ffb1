package config

import (
	"errors"
	"flag"
	"io"
	"strings"
)

// The flag package of the standard library does what the command line needs, given values that only take note. Of
// the libraries that also know files and variables, peterbourgon/ff/v3 was read and left out: it stops at the first
// mistake, never looks at a value that is overridden or at a variable it does not know, and keeps neither the line of
// a file nor who gave a value.

// parseFlags reads the command line. It fails only with [flag.ErrHelp]; what is wrong is noted as a mistake.
func (r *reader) parseFlags(args []string) (layer, error) {
	var l layer
	set := l.flagSet()
	for {
		rest, err := r.parseSome(set, args)
		if err != nil || len(rest) == 0 {
			return l, err
		}
		args = rest
	}
}

// flagSet makes flags that note what they are given in l.
func (l *layer) flagSet() *flag.FlagSet {
	set := flag.NewFlagSet("crier", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func(flagFile, "", func(path string) error {
		l.file = &namedFile{path: path, where: "--" + flagFile}
		return nil
	})
	for _, s := range settings {
		note := func(text string) error {
			l.given = append(l.given, given{setting: s, where: "--" + s.flag(), text: text})
			return nil
		}
		if s.isBool {
			set.BoolFunc(s.flag(), "", note)
		} else {
			set.Func(s.flag(), "", note)
		}
	}
	return set
}

// parseSome parses up to the first mistake, notes it and returns what comes behind it.
func (r *reader) parseSome(set *flag.FlagSet, args []string) (rest []string, err error) {
	err = set.Parse(args)
	rest = set.Args()
	if errors.Is(err, flag.ErrHelp) {
		return nil, err
	}
	if err == nil {
		if len(rest) == 0 {
			return nil, nil
		}
		r.mistakes.add("%s: a flag begins with --, and a command comes before all flags", rest[0])
		return rest[1:], nil
	}

	wrong, _, _ := strings.Cut(args[len(args)-len(rest)-1], "=")
	wrong = strings.TrimLeft(wrong, "-")
	if set.Lookup(wrong) != nil {
		r.mistakes.add("--%s: the value is missing", wrong)
		return rest, nil
	}
	r.mistakes.unknown("--"+wrong, "--"+wrong, flagNames())
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		rest = rest[1:] // most likely the unknown flag's value
	}
	return rest, nil
}

func flagNames() []string {
	return append(names(func(s *setting) string { return "--" + s.flag() }), "--"+flagFile)
}
