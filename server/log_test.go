package server

import (
	"strings"
	"testing"

	"github.com/crier/crier/config"
)

func TestTheLogIsJSONWhereNobodyLooks(t *testing.T) {
	for format, want := range map[string]string{"auto": `{"time":`, "json": `{"time":`, "text": "INF hello"} {
		c := config.Default()
		c.LogFormat = format
		out := &journal{}
		log := NewLog(c, out)
		log.Info("hello")
		log.Close()
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %q, want %q in it", format, out.String(), want)
		}
	}
}
