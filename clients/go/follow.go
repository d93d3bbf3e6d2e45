package pluginmgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
)

// Options say who the host is. Host is needed; all else has a default.
type Options struct {
	Host        string            // unlike all other hosts' on this pod, and the same after a restart: 1 to 128 characters
	MaxWaiting  int               // calls of one plugin that may wait for a worker; 0: 1024
	EjectFor    time.Duration     // how long a worker is out of rotation after an error of the transport; 0: 1 s
	DialOptions []grpc.DialOption // for the connections to workers, on top of what the pool sets
	Logger      *slog.Logger      // hears of lost connections to the registry; nil: nobody does
}

// Follow gives a pool that follows the registry in the run directory, from now until [Pool.Close] or ctx ends: whenever
// the connection is lost it connects again, and the pool goes on with what it knows meanwhile. When ctx ends, the pool
// takes no new call, and the connection of a call that still runs is closed as that is released.
//
// It returns at once, whether or not a controller runs yet: use [Pool.WaitFor] before the first call.
func Follow(ctx context.Context, runDir string, options Options) (*Pool, error) {
	absolute, err := filepath.Abs(runDir)
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	if options, err = options.complete(); err != nil {
		return nil, fmt.Errorf("follow %s: %w", runDir, err)
	}
	made := newPool(absolute, options)
	ctx, made.stop = context.WithCancel(ctx)
	go made.watch(ctx)
	return made, nil
}

func (o Options) complete() (Options, error) {
	if length := len([]rune(o.Host)); length < 1 || length > 128 {
		return o, errors.New("the host's name needs 1 to 128 characters")
	}
	if o.MaxWaiting < 0 || o.EjectFor < 0 {
		return o, errors.New("MaxWaiting and EjectFor may not be negative")
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 1024
	}
	if o.EjectFor == 0 {
		o.EjectFor = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := dial("unix", "/", o.DialOptions) // lazily: it only tries the options
	if err != nil {
		return o, fmt.Errorf("DialOptions: %w", err)
	}
	return o, conn.Close()
}
