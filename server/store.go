package server

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/internal/limit"
)

// openFeed opens what was said, in the folder that the settings name or in memory. Held is told how much is held.
func openFeed(c *config.Config, log *slog.Logger, held func(entries int, bytes int64)) (*feed.Log, error) {
	store, err := openStore(c, log)
	if err != nil {
		return nil, err
	}
	l, err := feed.New(store, feed.Options{
		MaxAge:     c.FeedMaxAge,
		MaxEntries: c.FeedMaxEntries,
		MaxBytes:   int64(c.FeedMaxBytes),
		Held:       held,
		Logger:     log,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return l, nil
}

func openStore(c *config.Config, log *slog.Logger) (feed.Store, error) {
	if c.Data == "" {
		return memory.New(memory.AboveFormerLives(time.Now())), nil
	}
	d, err := disk.Open(c.Data, disk.Options{Logger: log})
	if err != nil {
		return nil, explainFolder(c.Data, err)
	}
	if damage := d.Damage(); damage != nil {
		tellDamage(log, c.Data, damage)
	}
	return d, nil
}

// tellDamage says what was lost and what can be done.
func tellDamage(log *slog.Logger, folder string, damage *disk.Damage) {
	log.Error("A part of what was said is damaged. Crier goes on with all that is whole; clients that ask for more are "+
		"told that something is missing. To have it back, stop Crier and put a backup in the place of the folder.",
		"folder", folder, "what", strings.Join(damage.Reasons, "; "),
		"held_from", damage.Bounds.First, "missing_up_to", damage.Bounds.Gap)
	if damage.Aside != "" {
		log.Error("A copy of what is damaged was set aside, for as long as nothing newer takes its place; this command "+
			"writes what can be read of it.", "command", "crier feed export "+damage.Aside)
	}
}

// rates are how much a speaker may say and read, which can change while the server runs.
func rates(c *config.Config) handlers.Options {
	return handlers.Options{
		MaxMessageRate:     c.MaxMessageRate,
		MessageBurst:       c.MaxMessageBurst,
		MaxMessageByteRate: c.MaxMessageByteRate,
		MessageByteBurst:   c.MaxMessageByteBurst,
		MaxReadRate:        c.MaxReadRate,
		ReadBurst:          8 * c.MaxReadRate,
	}
}

// roomOptions keep what a client is told at a time well under what may wait for it: old clients' text may grow to
// twice its length, and a page of entries has their offsets and names beside the data.
func (s *Server) roomOptions() handlers.Options {
	c := s.config
	o := rates(c)
	o.MaxName = c.MaxName
	o.PageBytes = min(128<<10, c.MaxQueue/4)
	o.Turn = func(address string) string { return limit.NetworkOf(address).String() }
	o.SpeakerWaited = s.speakers.Add
	o.ReaderWaited = s.readers.Add
	o.Reads = limit.NewPlaces(readsAtOnce, readsWaiting)
	o.CatchUps = limit.NewPlaces(catchUpsAtOnce, catchUpsWaiting)
	o.Logger = s.log
	if s.kept != nil {
		o.Kept = s.kept
	}
	return o
}

// How many clients have the feed's store read for them at a time, and how many are told a lot of what they missed. A
// read may hold a megabyte and more; who catches up has a page of 128 KiB queued. The others wait for their turn:
// after a restart that may be all.
const (
	readsAtOnce     = 8
	readsWaiting    = 10_000
	catchUpsAtOnce  = 64
	catchUpsWaiting = 100_000
)

// lastSync is the least time that the feed has to store what it has taken, however long the clients took to leave. It
// takes milliseconds unless the disk does not answer.
const lastSync = 2 * time.Second

// endFeed closes the feed when all handlers have ended, so that nothing is appended any more.
func (s *Server) endFeed(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	if err := s.closeFeed(max(lastSync, time.Until(deadline))); err != nil {
		s.log.Error("the feed was not closed in good order; what was acknowledged is safe if the disk is", "error", err)
	}
}

// closeFeed waits so long for what is being stored.
func (s *Server) closeFeed(wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	err := s.feed.Close(ctx)
	if err == nil && s.room != nil {
		s.room.Wait()
	}
	return err
}
