package feed_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openDisk(t testing.TB, dir string, opts disk.Options) *disk.Store {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = feedtest.Quiet
	}
	d, err := disk.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}
