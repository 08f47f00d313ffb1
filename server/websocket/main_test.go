package websocket

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(idleClientsEnv); addr != "" {
		os.Exit(runIdleClients(addr))
	}
	goleak.VerifyTestMain(m)
}
