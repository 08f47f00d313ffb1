// Crier is the Socket.IO server that you can just run: a chat page, and a Socket.IO endpoint for every browser client
// since version 1. `crier --help` tells the rest.
package main

import (
	"context"
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
	c, err := config.Load(args, environ)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stderr, "Crier cannot start, these settings are wrong:\n%v\n\n`crier --help` shows them all.\n", err)
		return exitUsage
	}
	if err != nil {
		command = help
	}
	err = command(c, stdout, stderr)
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errTold):
		fmt.Fprintln(stderr, "crier:", err)
	}
	return exitFailed
}

// errTold is the error of a command that has said itself what went wrong.
var errTold = errors.New("told")

// commands by the words that ask for them; without one, Crier serves.
var commands = map[string]func(c *config.Config, stdout, stderr io.Writer) error{
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
func serve(c *config.Config, _, stderr io.Writer) error {
	server.Version = buildVersion()
	signal.Ignore(syscall.SIGPIPE)
	log := server.NewLog(c, stderr)
	defer log.Close()
	slog.SetDefault(log.Logger)

	ctx, stop := untilSignal()
	defer stop()
	s, err := server.New(c, log.Logger)
	if err == nil {
		err = s.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(log, "crier:", err)
		return errTold
	}
	return nil
}

// untilSignal returns a context that ends with SIGTERM or SIGINT, or with SIGHUP, which means that Crier will be started
// again at once. The signals after the first have their usual effect.
func untilSignal() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	go func() { // ends with the first signal or stop
		defer signal.Stop(signals)
		select {
		case s := <-signals:
			if s == syscall.SIGHUP {
				cancel(server.ErrRestart)
			}
		case <-ctx.Done():
		}
		cancel(nil)
	}()
	return ctx, func() { cancel(nil) }
}

// show prints the settings as they are, as a file that could be used in their place.
func show(c *config.Config, stdout, _ io.Writer) error { return c.WriteYAML(stdout) }

func tellVersion(_ *config.Config, stdout, _ io.Writer) error {
	_, err := fmt.Fprintln(stdout, "crier", buildVersion())
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
func healthcheck(c *config.Config, _, _ io.Writer) error {
	host, port, err := net.SplitHostPort(c.Addr)
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

func help(_ *config.Config, stdout, _ io.Writer) error {
	if _, err := io.WriteString(stdout, usage); err != nil {
		return err
	}
	return config.WriteFlags(stdout)
}
