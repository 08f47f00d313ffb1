package command

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/crier/crier/config"
)

// meant are words that other programs have for what Crier is told in another way.
var meant = map[string]string{
	"start": "`crier` starts the server", "run": "`crier` starts the server", "server": "`crier` starts the server",
	"up": "`crier` starts the server", "listen": "`crier` starts the server",
	"stop":     "to stop Crier, send its process SIGTERM, or press Ctrl-C where it runs",
	"restart":  "to restart Crier, send its process SIGUSR2, which tells clients of it, and start it again",
	"reload":   "to have the settings read again, send the process SIGHUP",
	"check":    "`crier config --check FILE` checks a file of settings",
	"validate": "`crier config --check FILE` checks a file of settings",
	"status":   "`crier healthcheck` asks a running Crier whether it lives",
	"health":   "`crier healthcheck` asks a running Crier whether it lives",
	"diagnose": "`crier doctor URL` tries what goes wrong between clients and a server",
	"test":     "`crier doctor URL` tries what goes wrong between clients and a server",
	"settings": "`crier config` prints the settings",
}

// Unknown returns what to answer to a first word that is none of the commands.
func Unknown(word string, commands []string) string {
	answer := fmt.Sprintf("there is no command %q; ", word)
	switch near := config.Nearest(word, commands); {
	case meant[word] != "":
		return answer + meant[word]
	case isPort(word):
		return answer + fmt.Sprintf("an address is given as --addr :%s", strings.TrimPrefix(word, ":"))
	case filepath.Ext(word) == ".yaml" || filepath.Ext(word) == ".yml":
		return answer + fmt.Sprintf("a file of settings is given as --config %s", word)
	case near != "":
		return answer + fmt.Sprintf("did you mean `crier %s`?", near)
	default:
		return answer + "`crier` starts the server, and `crier help` tells the rest"
	}
}

func isPort(word string) bool {
	_, err := strconv.ParseUint(strings.TrimPrefix(word, ":"), 10, 16)
	return err == nil
}
