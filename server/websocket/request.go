package websocket

import "net/http"

// IsUpgrade says whether a request asks for a WebSocket. Upgrade then says whether it asks properly.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header["Upgrade"], "websocket") && hasToken(r.Header["Connection"], "upgrade")
}
