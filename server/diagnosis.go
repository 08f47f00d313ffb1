package server

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// DiagnosisFile is the name, under the path of Socket.IO, of what `crier doctor` asks for. It lies there because many
// proxies pass on nothing else.
const DiagnosisFile = "doctor"

// A Diagnosis tells a client what the server sees of its request, and whether it believes the address that it comes
// from. It says nothing of other clients.
type Diagnosis struct {
	Instance  string `json:"instance"`  // of this process: random, another with each start
	Address   string `json:"address"`   // the client's IP address, as limits count it
	Port      int    `json:"port"`      // of the other end of the TCP connection, be it the client or a proxy
	Trusted   bool   `json:"trusted"`   // the address is among trusted_proxies
	Forwarded bool   `json:"forwarded"` // the request has X-Forwarded-For or Forwarded
	Unnamed   bool   `json:"unnamed"`   // and comes from an address that is not among trusted_proxies
	At        int64  `json:"at"`        // the server's clock, in Unix milliseconds
}

// asksForDiagnosis tells a request for it from one of an Engine.IO client, which may use any path under Socket.IO's.
func asksForDiagnosis(file string, r *http.Request) bool {
	return file == DiagnosisFile && r.Method == http.MethodGet && !strings.Contains(r.URL.RawQuery, "transport=")
}

func (s *Server) diagnose(c *gin.Context) {
	s.bound(c.Writer)
	r := c.Request
	d := Diagnosis{
		Instance:  s.instance,
		Forwarded: r.Header["X-Forwarded-For"] != nil || r.Header["Forwarded"] != nil,
		At:        time.Now().UnixMilli(),
	}
	d.Address, d.Unnamed = s.proxies.Load().address(r)
	if seen, ok := parseHost(d.Address); ok {
		d.Trusted = s.proxies.Load().trust(seen)
	}
	if colon := strings.LastIndexByte(r.RemoteAddr, ':'); colon >= 0 {
		d.Port, _ = strconv.Atoi(r.RemoteAddr[colon+1:]) // 0 where there is no TCP
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, d)
}
