// Lab is the twin of ../reference-lab.js on Crier's own library: handlers that let the end-to-end tests see a server from
// inside. A test must not be able to tell the two apart.
//
// Settings, in milliseconds or bytes: LAB_PING_INTERVAL, LAB_PING_TIMEOUT, LAB_UPGRADE_TIMEOUT, LAB_CONNECT_TIMEOUT,
// LAB_MAX_PAYLOAD, LAB_RECOVERY (how long a lost session may come back; empty: never); and LAB_EIO3 ("off"), LAB_DEFLATE
// ("on"), LAB_ALLOWED_ORIGINS. Beside Socket.IO it has, at /engine.io/, a bare Engine.IO that sends back each message. The address goes to standard output as one line; SIGTERM or the end of standard input ends
// the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/crier/crier/server/engineio"
	"github.com/crier/crier/server/socketio"
)

// closeTimeout is how long clients have to hear that the laboratory closes.
const closeTimeout = time.Second

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run serves until it is told to stop.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server, err := socketio.New(options())
	if err != nil {
		return err
	}
	furnish(server)
	bare, err := engineio.New(engineOptions(), func(s *engineio.Session) engineio.Handler { return parrot{s} })
	if err != nil {
		return err
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: mount(server, bare), ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(listener) }() // ends with web.Close below
	defer web.Close()
	fmt.Println(listener.Addr())

	select {
	case <-ctx.Done():
	case <-inputEnd():
	}
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(server.Close(closing), bare.Close(closing))
}

func mount(server *socketio.Server, bare *engineio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.Handle("/engine.io/", bare)
	return mux
}

// A parrot sends back each message of its session.
type parrot struct{ session *engineio.Session }

// Message implements engineio.Handler.
func (p parrot) Message(binary bool, data []byte) error {
	return p.session.Send(engineio.Message{Binary: binary, Data: data})
}

// Close implements engineio.Handler.
func (p parrot) Close(engineio.Reason) {}

// inputEnd is closed when the parent process is gone, or closes our standard input.
func inputEnd() <-chan struct{} {
	end := make(chan struct{})
	go func() { // ends with the process at the latest
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(end)
	}()
	return end
}

func options() socketio.Options {
	return socketio.Options{
		ConnectTimeout: milliseconds("LAB_CONNECT_TIMEOUT"),
		Recovery: socketio.Recovery{
			Disabled: os.Getenv("LAB_RECOVERY") == "",
			MaxAge:   milliseconds("LAB_RECOVERY"),
		},
		Engine: engineOptions(),
	}
}

func engineOptions() engineio.Options {
	o := engineio.Options{
		PingInterval:   milliseconds("LAB_PING_INTERVAL"),
		PingTimeout:    milliseconds("LAB_PING_TIMEOUT"),
		UpgradeTimeout: milliseconds("LAB_UPGRADE_TIMEOUT"),
		MaxPayload:     number("LAB_MAX_PAYLOAD"),
		DisableEIO3:    os.Getenv("LAB_EIO3") == "off",
		CompressHTTP:   true,

		CompressWebSocket: os.Getenv("LAB_DEFLATE") == "on",
	}
	if origins := os.Getenv("LAB_ALLOWED_ORIGINS"); origins != "" {
		o.AllowedOrigins = strings.Split(origins, ",")
	}
	return o
}

func milliseconds(name string) time.Duration {
	return time.Duration(number(name)) * time.Millisecond
}

// number returns a setting, or 0, which means the library's default.
func number(name string) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return 0
	}
	return n
}
