// Package doctor tries, from outside, what goes wrong in practice between a client and a Socket.IO server, and says
// what to change. It is a client like any other: it joins no room, says nothing, and leaves each session that it opens.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
)

// What the command ends with.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

const usage = `Tries what goes wrong between clients and a Socket.IO server, and says what to change.

Usage: crier doctor URL [FLAGS]

URL is the server as clients reach it, through all proxies, such as https://chat.example.org. Any Socket.IO server can
be looked at; what only Crier can tell is skipped for others. Nothing is said to anybody, and nothing is stored. No proxy
of the environment (HTTPS_PROXY) is used.

Flags:
  --path PATH         where Socket.IO is served; "/socket.io/" unless told
  --origin ORIGIN     a page, such as https://example.org, that is to connect; may be given again
  --header 'N: V'     a header for each request, such as Authorization; may be given again. Values are never printed.
  --idle DURATION     how long connections are kept quiet; else until the first ping, at most 28s. 0: not at all
  --timeout DURATION  how long each other check may take; 10s unless told
  --insecure          go on although the certificate is wrong
  --json              print one JSON object: {url, server: "crier" | "socket.io" | "", version, checks: [{check,
                      status: "ok" | "warning" | "fault" | "skipped", seen, change: [...]}], ok, warnings, faults,
                      skipped}

Exit codes: 0 nothing is wrong, or only warnings; 1 a fault was found; 2 the command line is wrong.
`

// Run does `crier doctor ARGS` and returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, usage)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "crier doctor: %s\n\n`crier doctor --help` shows how it is used.\n", opts.mask(err.Error()))
		return exitUsage
	}
	return examine(opts, stdout)
}

func examine(opts *options, stdout io.Writer) int {
	p := newProbe(opts)
	defer p.close()
	report := &Report{URL: opts.name(), Checks: []Result{}}
	tell := func(Result) {}
	if !opts.json {
		out := newPrinter(stdout)
		out.begin(report.URL)
		tell = out.result
		defer func() { out.end(report) }()
	}
	p.run(context.Background(), func(r Result) {
		r = r.masked(opts)
		report.add(r)
		tell(r)
	})
	report.Server, report.Version = p.kind, opts.mask(p.version)
	if opts.json {
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		_ = out.Encode(report) // nobody reads it any more
	}
	if report.Faults > 0 {
		return exitFault
	}
	return exitOK
}
