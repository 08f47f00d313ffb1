// Crier is the Socket.IO server that you can just run: a chat page, and a Socket.IO endpoint for every browser
// client since version 1. `crier --help` tells the rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server"
	"github.com/crier/crier/server/command"
)

// What the process ends with.
const (
	exitOK     = 0
	exitFailed = 1 // the server could not run, or the health check failed
	exitUsage  = 2 // the command line or a setting is wrong
)

// version is set by the build (-ldflags "-X main.version=v1.2.3"); without it, Go's own record of the build is
// asked.
var version string

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run does what args ask for and returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	word, args := cutWord(args)
	if tool, ok := tools[word]; ok {
		return tool(args, stdout, stderr)
	}
	do, known := commands[word]
	switch {
	case !known:
		fmt.Fprintln(stderr, "crier:", command.Unknown(word, words()))
		return exitUsage
	case word == "config" && len(args) > 0 && isCheck(args[0]):
		return check(args, stdout, stderr)
	}
	i := &invocation{args: args, environ: environ, stdout: stdout, stderr: stderr}
	var err error
	i.config, err = i.load()
	switch {
	case errors.Is(err, flag.ErrHelp):
		do = help
	case err != nil:
		fmt.Fprintf(stderr, "Crier cannot start, these settings are wrong:\n%v\n\n`crier --help` shows them all.\n", err)
		return exitUsage
	}
	err = do(i)
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errTold):
		fmt.Fprintln(stderr, "crier:", err)
	}
	return exitFailed
}

// cutWord cuts off the word that says what to do.
func cutWord(args []string) (word string, rest []string) {
	if len(args) > 0 && (!strings.HasPrefix(args[0], "-") || commands[args[0]] != nil) {
		return args[0], args[1:]
	}
	return "serve", args
}

func words() (all []string) {
	for word := range commands {
		if !strings.HasPrefix(word, "-") {
			all = append(all, word)
		}
	}
	for word := range tools {
		all = append(all, word)
	}
	slices.Sort(all)
	return all
}

func isCheck(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return name == "--check" || name == "-check"
}

// check says what is wrong with a file of settings, for `crier config --check FILE`.
func check(args []string, stdout, stderr io.Writer) int {
	_, file, given := strings.Cut(args[0], "=")
	if !given && len(args) == 2 {
		file = args[1]
	}
	if file == "" || given && len(args) > 1 {
		fmt.Fprintln(stderr, "crier: the file to check is given as: crier config --check FILE")
		return exitUsage
	}
	if err := config.Check(file); err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	fmt.Fprintf(stdout, "%s: nothing is wrong\n", file)
	return exitOK
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
	"-v":          tellVersion,
	"-V":          tellVersion,
}

// tools are commands that take words in the place of settings.
var tools = map[string]func(args []string, stdout, stderr io.Writer) int{
	"doctor": command.Doctor,
	"feed":   command.Feed,
}

// serve runs the server until it is told to stop; a second signal ends the process at once. Nothing waits for
// stderr: its reader may have stopped, or gone away, which is no reason to end.
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

func healthcheck(i *invocation) error { return command.Healthcheck(i.config) }

const usage = `Crier is a Socket.IO server that you can just run.

Usage: crier [COMMAND] [FLAGS]

Commands:
  serve         serve the page and Socket.IO (the default)
  doctor        try what goes wrong between clients and a server, through its proxies, and say what to change:
                crier doctor https://chat.example.org; crier doctor --help
  feed          check, export, back up or adopt what is stored: crier feed --help
  config        print the settings, where each comes from and what it does, as a file for --config;
                config --check FILE only says what is wrong with a file
  healthcheck   ask a running Crier with the same settings whether it lives; the exit code tells
  version       print the version
  help          print this

Every setting has a default, over which goes the YAML file that --config FILE or CRIER_CONFIG names (key
ping_interval), over which goes a variable (CRIER_PING_INTERVAL), over which goes a flag (--ping-interval).

Signals: SIGTERM and SIGINT stop Crier in order; SIGUSR2 does too, and tells clients that it starts again; SIGHUP reads
the settings again, and the log says which were taken and which need a restart.

Exit codes: 0 done or told to stop, 1 failed (of doctor: a fault was found), 2 a setting or the command line is wrong.

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
