package server

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals are what the process is told from outside: SIGTERM and SIGINT to stop; where the system has it, SIGUSR2
// to stop because it will be started again at once; SIGHUP to read the settings again. A signal that the process
// was started to ignore (nohup) stays ignored.
type Signals struct {
	stop, reload chan os.Signal
	released     chan struct{} // closed by Release
	ended        chan struct{} // closed when Watch's goroutine has ended; nil before Watch
}

// CatchSignals takes the signals from now on. Watch acts on them; Release gives them back.
func CatchSignals() *Signals {
	g := &Signals{stop: make(chan os.Signal, 1), reload: make(chan os.Signal, 1), released: make(chan struct{})}
	notify(g.stop, syscall.SIGTERM, os.Interrupt, restartSignal)
	notify(g.reload, syscall.SIGHUP)
	return g
}

func notify(c chan<- os.Signal, signals ...os.Signal) {
	for _, s := range signals {
		if s != nil && !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
}

// Watch returns a context for Run that ends with the first signal to stop; the next one has its usual effect,
// which is to end the process. With each SIGHUP it calls reload, one call at a time. It is called once.
func (g *Signals) Watch(reload func()) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	g.ended = make(chan struct{})
	go g.watch(cancel, reload) // ends with Release
	return ctx
}

func (g *Signals) watch(cancel context.CancelCauseFunc, reload func()) {
	defer close(g.ended)
	defer cancel(nil)
	for {
		select {
		case s := <-g.stop:
			signal.Stop(g.stop)
			if s == restartSignal {
				cancel(ErrRestart)
			}
			cancel(nil)
		case <-g.reload:
			reload()
		case <-g.released:
			return
		}
	}
}

// Release gives the signals back when Run has ended, and waits for a reload that is under way.
func (g *Signals) Release() {
	signal.Stop(g.stop)
	signal.Stop(g.reload)
	close(g.released)
	if g.ended != nil {
		<-g.ended
	}
}
