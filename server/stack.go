package server

import "net/http"

// deepStack gives the goroutine of a connection the 8 KiB of stack that our handlers need before it goes into them. Left to
// itself the stack is moved some twenty calls further in, and the runtime adjusts each of them: see deepen in package websocket.
func deepStack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deepen(0)
		next.ServeHTTP(w, r)
	})
}

//go:noinline
func deepen(i int) byte {
	var room [4 << 10]byte
	return room[i]
}
