package command

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/crier/crier/config"
	"github.com/crier/crier/server"
)

// healthTimeout is how long a server may take to say that it lives.
const healthTimeout = 3 * time.Second

// Healthcheck asks the server that runs with these settings on this machine whether it lives.
//
// A container's check is not given the flags that the server was started with. So the server leaves its address in
// the data folder, which is asked for it first: a setting may also have changed since the start, or say port 0. An
// address among the check's own flags goes over it.
func Healthcheck(c *config.Config) error {
	url, err := localURL(c)
	if err != nil {
		return err
	}
	if running := server.RunningURL(c.Data); running != "" && c.Source("addr") != "--addr" {
		url = running
	}
	client := http.Client{Timeout: healthTimeout, Transport: &http.Transport{ // and no proxy
		DisableKeepAlives: true,
		// The certificate is for a name under which others reach this machine.
		TLSClientConfig: &tls.Config{ServerName: "localhost", InsecureSkipVerify: true},
	}}
	response, err := client.Get(url + server.HealthPath)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s answers %s", url, server.HealthPath, response.Status)
	}
	return nil
}

// localURL is how this machine reaches the address that the settings name.
func localURL(c *config.Config) (string, error) {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if c.TLS() {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}
