// Crier is the Socket.IO server that you can just run: a chat page, and a Socket.IO endpoint for every browser client
// since version 1. `crier --help` tells the rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server"
)

// What the process ends with.
const (
	exitOK     = 0
	exitFailed = 1 // the server could not run, or the health check failed
	exitUsage  = 2 // the command line or a setting is wrong
)

// healthTimeout is how long a server may take to say that it lives.
const healthTimeout = 3 * time.Second

// version is set by the build (-ldflags "-X main.version=v1.2.3"); without it, Go's own record of the build is asked.
var version string

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run does what args ask for and returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	command := serve
	if len(args) > 0 {
		if named, ok := commands[args[0]]; ok {
			command, args = named, args[1:]
		}
	}
	i := &invocation{args: args, environ: environ, stdout: stdout, stderr: stderr}
	var err error
	i.config, err = i.load()
	switch {
	case errors.Is(err, flag.ErrHelp):
		command = help
	case err != nil:
		fmt.Fprintf(stderr, "Crier cannot start, these settings are wrong:\n%v\n\n`crier --help` shows them all.\n", err)
		return exitUsage
	}
	err = command(i)
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errTold):
		fmt.Fprintln(stderr, "crier:", err)
	}
	return exitFailed
}

// An invocation is what a command is given.
type invocation struct {
	config         *config.Config
	args, environ  []string
	stdout, stderr io.Writer
}

// load reads the settings, as they are now.
func (i *invocation) load() (*config.Config, error) { return config.Load(i.args, i.environ) }

// errTold is the error of a command that has said itself what went wrong.
var errTold = errors.New("told")

// commands by the words that ask for them; without one, Crier serves.
var commands = map[string]func(*invocation) error{
	"serve":       serve,
	"config":      show,
	"healthcheck": healthcheck,
	"help":        help,
	"version":     tellVersion,
	"--version":   tellVersion,
	"-version":    tellVersion,
}

// serve runs the server until it is told to stop; a second signal ends the process at once. Nothing waits for stderr: its
// reader may have stopped, or gone away, which is no reason to end.
func serve(i *invocation) error {
	server.Version = buildVersion()
	signal.Ignore(syscall.SIGPIPE)
	log := server.NewLog(i.config, i.stderr)
	defer log.Close()
	slog.SetDefault(log.Logger)

	signals := server.CatchSignals()
	defer signals.Release()
	s, err := server.New(i.config, log.Logger)
	if err == nil {
		err = s.Run(signals.Watch(func() { s.Reload(i.load) }))
	}
	if err != nil {
		fmt.Fprintln(log, "crier:", err)
		return errTold
	}
	return nil
}

// show prints the settings as they are, as a file that could be used in their place.
func show(i *invocation) error { return i.config.WriteYAML(i.stdout) }

func tellVersion(i *invocation) error {
	_, err := fmt.Fprintln(i.stdout, "crier", buildVersion())
	return err
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// healthcheck asks the server that runs with these settings on this machine whether it lives.
func healthcheck(i *invocation) error {
	host, port, err := net.SplitHostPort(i.config.Addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	client := http.Client{Timeout: healthTimeout, Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	response, err := client.Get("http://" + net.JoinHostPort(host, port) + server.HealthPath)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", server.HealthPath, response.Status)
	}
	return nil
}

const usage = `Crier is a Socket.IO server that you can just run.

Usage: crier [COMMAND] [FLAGS]

Commands:
  serve         serve the page and Socket.IO (the default)
  config        print the settings, where each comes from and what it does, as a file for --config
  healthcheck   ask a running Crier with the same settings whether it lives; the exit code tells
  version       print the version
  help          print this

Every setting has a default, over which goes the YAML file that --config FILE or CRIER_CONFIG names (key
ping_interval), over which goes a variable (CRIER_PING_INTERVAL), over which goes a flag (--ping-interval).

Exit codes: 0 done or told to stop, 1 failed, 2 a setting is wrong.

Settings:
  --config FILE
        The YAML file to read settings from. The variable CRIER_CONFIG does the same.
`

func help(i *invocation) error {
	if _, err := io.WriteString(i.stdout, usage); err != nil {
		return err
	}
	return config.WriteFlags(i.stdout)
}
