package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// A peer is a server that is measured.
type peer struct {
	name    string
	what    string // for the report
	folder  string // below the repository; its module or package is built there
	target  string // of go build; "" for npm
	polling bool   // it has long-polling
}

// reference is the peer that all others are divided by.
const reference = "npm"

// trusted is Crier's setting for networks where every client is one's own: without the rates and shares of an
// address or a session, which the generator would run into, having few addresses for very many clients and one
// publisher in place of very many. The bounds of the whole process are on.
var trusted = []string{"CRIER_LIMITS=trusted"}

// raised are the settings that do the same for a Crier that has no such setting.
var raised = []string{
	"CRIER_MAX_ADDRESS_SESSIONS=1000000", "CRIER_MAX_ADDRESS_RATE=1000000",
	"CRIER_MAX_EVENT_RATE=100000000", "CRIER_MAX_BYTE_RATE=1GiB",
}

var peers = []peer{
	{name: "crier", what: "this repository: the real binary, its real handlers, its bounds on", folder: ".", target: ".",
		polling: true},
	{name: reference, what: "npm `socket.io` 4.8.4 on `ws`", folder: "bench/peers/npm", polling: true},
	{name: "zishang520-v2", what: "`github.com/zishang520/socket.io/v2` v2.5.0", folder: "bench/peers/zishang520-v2",
		target: ".", polling: true},
	{name: "zishang520-v3", what: "`github.com/zishang520/socket.io/servers/socket/v3` v3.0.2",
		folder: "bench/peers/zishang520-v3", target: ".", polling: true},
	{name: "gws", what: "a bare `github.com/lxzan/gws` v1.9.1 broadcaster, no protocol", folder: "bench/peers/floor",
		target: "./gws"},
	{name: "raw", what: "one `net.Conn.Write` for each delivery, no protocol", folder: "bench/peers/floor",
		target: "./raw"},
}

// build makes all that a run needs, in the folder .build.
func (b *bench) build(ctx context.Context) error {
	if err := os.MkdirAll(b.path(".build"), 0o755); err != nil {
		return err
	}
	if err := b.goBuild(ctx, "bench", "./cmd/load", "load"); err != nil {
		return err
	}
	for _, p := range b.peers {
		if err := b.make(ctx, p); err != nil {
			return fmt.Errorf("building %s: %w", p.name, err)
		}
	}
	return b.findLimits(ctx)
}

// findLimits asks the built Crier, if it is a peer, whether it knows the setting limits.
func (b *bench) findLimits(ctx context.Context) error {
	b.limits = trusted
	crier := b.path(".build", "crier")
	if !slices.ContainsFunc(b.peers, func(p peer) bool { return p.name == "crier" }) {
		return nil
	}
	help, err := exec.CommandContext(ctx, crier, "--help").Output()
	if err == nil && !bytes.Contains(help, []byte("--limits ")) {
		b.limits = raised
	}
	return err
}

func (b *bench) make(ctx context.Context, p peer) error {
	if p.target == "" {
		return b.npmInstall(ctx, p)
	}
	return b.goBuild(ctx, p.folder, p.target, p.name)
}

func (b *bench) goBuild(ctx context.Context, folder, target, name string) error {
	return b.tool(ctx, filepath.Join(b.root, folder), "go", "build", "-trimpath", "-o", b.path(".build", name), target)
}

// npmInstall installs what the lock file says, unless that has been done.
func (b *bench) npmInstall(ctx context.Context, p peer) error {
	folder := filepath.Join(b.root, p.folder)
	lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return err
	}
	done, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err == nil && !done.ModTime().Before(lock.ModTime()) {
		return nil
	}
	return b.tool(ctx, folder, "npm", "ci", "--silent")
}

func (b *bench) tool(ctx context.Context, folder, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return cmd.Run()
}
