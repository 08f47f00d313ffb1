package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
)

// openFeed opens what was said, in the folder that the settings name or in memory.
func openFeed(c *config.Config, log *slog.Logger) (*feed.Log, error) {
	store, err := openStore(c, log)
	if err != nil {
		return nil, err
	}
	l, err := feed.New(store, feed.Options{
		MaxAge:     c.FeedMaxAge,
		MaxEntries: c.FeedMaxEntries,
		MaxBytes:   int64(c.FeedMaxBytes),
		Logger:     log,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return l, nil
}

func openStore(c *config.Config, log *slog.Logger) (feed.Store, error) {
	if c.Data == "" {
		return feed.NewMemory(feed.AboveFormerLives(time.Now())), nil
	}
	disk, err := feed.OpenDisk(c.Data, feed.DiskOptions{Logger: log})
	if err != nil {
		return nil, explainFolder(c.Data, err)
	}
	if d := disk.Damage(); d != nil {
		log.Error("A part of what was said is lost to Crier, which goes on without it; clients that ask for it are told. To have it "+
			"back, stop Crier and put a backup in the place of the folder. The damaged files are kept until somebody removes them.",
			"folder", c.Data, "damaged", d.Aside, "held_from", d.First)
	}
	return disk, nil
}

// roomOptions keep what a client is told at a time well under what may wait for it: old clients' text may grow to twice
// its length, and a page of entries has their offsets and names beside the data.
func (s *Server) roomOptions() handlers.Options {
	return handlers.Options{PageBytes: min(128<<10, s.config.MaxQueue/4), MaxName: s.config.MaxName, Logger: s.log}
}

// lastSync is the least time that the feed has to store what it has taken, however long the clients took to leave. It takes
// milliseconds unless the disk does not answer.
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
