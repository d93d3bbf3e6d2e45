package pluginmgr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Why a host gets no worker. Compare with [errors.Is].
var (
	// ErrNotFound: nothing serves under that key now; it may come (back).
	ErrNotFound = errors.New("no such plugin serves now")
	// ErrRemoved: the plugin's file is gone from the volume, and it will not come back by itself.
	ErrRemoved = errors.New("the plugin was removed")
	// ErrDraining: the pool is being closed and takes no new call.
	ErrDraining = errors.New("the pool is closed")
	// ErrFull: as many calls wait for a worker of the plugin as may.
	ErrFull = errors.New("too many calls wait for the plugin")
)

// mostTries is how many of a call's tries its error names: the last ones.
const mostTries = 16

// Try is one attempt of an idempotent call.
type Try struct {
	Worker string // its id
	Began  time.Time
	Err    error
}

// CallError is why an idempotent call failed after at least one worker had failed it. [errors.Is] and [errors.As] see
// both Err and the last try's error.
type CallError struct {
	Plugin string
	Count  int             // how many tries there were
	Tries  []Try           // the last 16 of them, oldest first
	Err    error           // why there was no further try
	tried  map[string]bool // all workers' ids
}

// Error tells the whole history.
func (e *CallError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "call of %s, tried %d times: %v", e.Plugin, e.Count, e.Err)
	for _, each := range e.Tries {
		fmt.Fprintf(&text, "; worker %s at %s: %v", each.Worker, each.Began.Format(time.RFC3339Nano), each.Err)
	}
	return text.String()
}

// Unwrap gives the reason for the end and the last try's error.
func (e *CallError) Unwrap() []error {
	last := e.Tries[len(e.Tries)-1].Err
	if errors.Is(e.Err, last) {
		return []error{e.Err}
	}
	return []error{e.Err, last}
}

func (e *CallError) add(try Try) {
	e.Count++
	e.Tries = append(e.Tries, try)
	if e.tried == nil {
		e.tried = map[string]bool{}
	}
	e.tried[try.Worker] = true
	if len(e.Tries) > mostTries {
		e.Tries = e.Tries[1:]
	}
}
