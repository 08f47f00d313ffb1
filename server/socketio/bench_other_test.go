//go:build !unix

package socketio_test

import "time"

func processorTime() time.Duration { return 0 }
