//go:build profile

// Profile.go becomes one more file of Crier's main package when the bench builds it with -overlay and -tags profile:
// Crier itself has no profiling endpoint, and what is profiled is the real binary, with its real handlers and limits.
//
// CRIER_PROFILE names a folder. A SIGUSR1 starts a processor profile, the next ends it (cpu.pprof) and writes the heap
// as it is after a collection (heap.pprof), all allocations since the start (allocs.pprof) and the runtime's own
// account of its memory (memory.txt).
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

func init() {
	folder := os.Getenv("CRIER_PROFILE")
	_ = os.Unsetenv("CRIER_PROFILE") // not a setting of Crier's
	if folder == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() { // ends with the process
		for start := true; ; start = !start {
			<-signals
			if err := profile(folder, start); err != nil {
				log.Fatal("profile: ", err)
			}
		}
	}()
}

func profile(folder string, start bool) error {
	if start {
		f, err := os.Create(filepath.Join(folder, "cpu.pprof"))
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	}
	pprof.StopCPUProfile()
	if err := account(filepath.Join(folder, "memory.before.txt")); err != nil {
		return err
	}
	runtime.GC()
	for _, name := range []string{"heap", "allocs", "goroutine"} {
		f, err := os.Create(filepath.Join(folder, name+".pprof"))
		if err != nil {
			return err
		}
		if err := pprof.Lookup(name).WriteTo(f, 0); err != nil {
			return err
		}
	}
	return account(filepath.Join(folder, "memory.txt"))
}

// account writes what Go's runtime says of its memory.
func account(path string) error {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	text := fmt.Sprintf("goroutines %d\nheap in use %d\nheap allocated %d\nheap idle %d\nheap released %d\nstacks %d\n"+
		"runtime's own %d\nfrom the system %d\ncollections %d\n",
		runtime.NumGoroutine(), m.HeapInuse, m.HeapAlloc, m.HeapIdle, m.HeapReleased, m.StackInuse,
		m.MSpanSys+m.MCacheSys+m.BuckHashSys+m.GCSys+m.OtherSys, m.Sys, m.NumGC)
	return os.WriteFile(path, []byte(text), 0o600)
}
