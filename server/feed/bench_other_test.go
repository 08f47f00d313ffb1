//go:build !unix

package feed

import "time"

func processorTime() time.Duration { return 0 }
