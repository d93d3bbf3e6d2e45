package pluginmgr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

const (
	registrySocket  = "registry.sock"
	shortestBackoff = 50 * time.Millisecond
	longestBackoff  = time.Second
)

// watch keeps one Watch open until ctx ends.
func (p *Pool) watch(ctx context.Context) {
	defer close(p.watched)
	defer p.end()
	for failures := 0; ; failures++ {
		began := time.Now()
		err := p.session(ctx)
		if ctx.Err() != nil || p.hasEnded() {
			return
		}
		if time.Since(began) > longestBackoff {
			failures = 0
		}
		pause := backoffOf(failures, rand.Float64())
		p.options.Logger.Info("registry lost", "error", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (p *Pool) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// backoffOf doubles with each failure up to the longest, and takes off up to a half by chance, a number in [0, 1).
func backoffOf(failures int, chance float64) time.Duration {
	full := longestBackoff
	if failures < 5 { // 50 ms, five times doubled, is more than the longest
		full = min(longestBackoff, 2*shortestBackoff<<failures)
	}
	return full - time.Duration(chance*float64(full)/2)
}

// session is one Watch, from Hello until it breaks.
func (p *Pool) session(ctx context.Context) error {
	conn, err := dial("unix", filepath.Join(p.runDir, registrySocket), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	stream, err := registryv1.NewRegistryClient(conn).Watch(ctx)
	if err != nil {
		cancel()
		return err
	}
	answers, holds := p.openOutbox()
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	defer p.closeOutbox()
	sender.Go(func() { answers.send(ctx, p.options.Host, holds, stream) })
	return p.receive(stream)
}

// receive takes over one message after the other; it ends with the first that does not fit.
func (p *Pool) receive(stream grpc.BidiStreamingClient[registryv1.WatchRequest, registryv1.WatchResponse]) error {
	for number := uint64(1); ; number++ {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		if message.GetSequence() != number {
			return fmt.Errorf("message %d came where %d was due", message.GetSequence(), number)
		}
		if first := number == 1; first != (message.GetSnapshot() != nil) {
			return errors.New("a snapshot comes first, and only then")
		}
		p.apply(message)
	}
}
