package command

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crier/crier/config"
)

func TestAWordThatIsNoCommandIsAnsweredWithTheRightWay(t *testing.T) {
	commands := []string{"serve", "config", "healthcheck", "help", "version"}
	for word, want := range map[string]string{
		"start": "`crier` starts", "run": "`crier` starts", "stop": "SIGTERM", "reload": "SIGHUP", "restart": "SIGUSR2",
		"validate": "crier config --check FILE", "status": "crier healthcheck", "8080": "--addr :8080",
		":8080":         "--addr :8080",
		"my/crier.yaml": "--config my/crier.yaml", "serv": "`crier serve`?", "confg": "`crier config`?",
		"xyzzy": "crier help",
	} {
		if got := Unknown(word, commands); !strings.Contains(got, want) || !strings.Contains(got, word) {
			t.Errorf("%s is answered with %q, want %q in it", word, got, want)
		}
	}
}

// settings that say where a server is, and a folder in which another says so itself.
func settings(t *testing.T, running string, args ...string) *config.Config {
	t.Helper()
	folder := t.TempDir()
	if running != "" {
		if err := os.WriteFile(filepath.Join(folder, "crier.url"), []byte(running+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(append(args, "--data="+folder), []string{"CRIER_ADDR=192.0.2.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheHealthCheckAsksTheAddressInForce(t *testing.T) {
	well := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer well.Close()
	ill := httptest.NewServer(http.NotFoundHandler())
	defer ill.Close()

	if err := Healthcheck(settings(t, well.URL)); err != nil {
		t.Errorf("what the server wrote goes over a variable: %v", err)
	}
	if err := Healthcheck(settings(t, ill.URL, "--addr="+well.Listener.Addr().String())); err != nil {
		t.Errorf("a flag of the check goes over all: %v", err)
	}
	err := Healthcheck(settings(t, ill.URL))
	if want := ill.URL + "/healthz answers 404"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("of a server that is ill it says %v", err)
	}
}
