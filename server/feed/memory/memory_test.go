package memory_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAFormerLifeInMemoryIsNotMistakenForThisOne(t *testing.T) {
	before := memory.AboveFormerLives(time.Now())
	m := memory.New(before)
	feedtest.MustAppend(t, m, feedtest.Said("a"))
	if next := memory.AboveFormerLives(time.Now().Add(time.Millisecond)); next <= before+1 {
		t.Errorf("started at %d, then at %d", before, next)
	}
	if m.Bounds().Last >= 1<<53 {
		t.Errorf("%d is not a JavaScript number", m.Bounds().Last)
	}
}
