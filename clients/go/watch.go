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

// apply takes over one message. Connections are made before the mutex is taken.
func (p *Pool) apply(message *registryv1.WatchResponse) {
	change := p.read(message)
	fresh := p.dialNew(change.rosters)
	p.mu.Lock()
	if !p.ended {
		change.apply(fresh)
	}
	p.mu.Unlock()
	for _, conn := range fresh { // of workers that are not taken
		_ = conn.Close()
	}
}

// change is a message, read.
type change struct {
	rosters []roster
	apply   func(fresh map[string]*grpc.ClientConn)
}

func (p *Pool) read(message *registryv1.WatchResponse) change {
	switch said := message.GetMessage().(type) {
	case *registryv1.WatchResponse_Snapshot:
		return p.readSnapshot(said.Snapshot)
	case *registryv1.WatchResponse_Register:
		return p.readServing(said.Register, nil)
	case *registryv1.WatchResponse_Update:
		return p.readServing(said.Update, said.Update.GetDraining())
	case *registryv1.WatchResponse_Unregister:
		return p.readGone(said.Unregister, ErrNotFound)
	case *registryv1.WatchResponse_Remove:
		return p.readGone(said.Remove, ErrRemoved)
	}
	return change{apply: func(map[string]*grpc.ClientConn) {}} // of a newer registry
}

func (p *Pool) readSnapshot(said *registryv1.Snapshot) change {
	var all []roster
	for _, each := range said.GetPlugins() {
		all = append(all, newRoster(p.runDir, each))
	}
	return change{all, func(fresh map[string]*grpc.ClientConn) { p.replace(all, said.GetRemoved(), fresh) }}
}

func (p *Pool) readServing(said serving, draining []string) change {
	now := newRoster(p.runDir, said)
	return change{[]roster{now}, func(fresh map[string]*grpc.ClientConn) {
		p.drain(draining)
		p.serve(now, fresh)
	}}
}

// leaving is what Unregister and Remove have in common.
type leaving interface {
	GetPlugin() string
	GetDraining() []string
}

func (p *Pool) readGone(said leaving, why error) change {
	return change{nil, func(map[string]*grpc.ClientConn) {
		p.drain(said.GetDraining())
		p.withdraw(said.GetPlugin(), why)
	}}
}

// dialNew connects to the workers that are not known yet.
func (p *Pool) dialNew(rosters []roster) map[string]*grpc.ClientConn {
	fresh := map[string]*grpc.ClientConn{}
	for _, info := range p.unknown(rosters) {
		conn, err := dial(info.Network, info.Address, p.options.DialOptions)
		if err != nil {
			p.options.Logger.Error("no connection", "plugin", info.Plugin, "worker", info.ID, "error", err)
			continue
		}
		conn.Connect()
		fresh[info.ID] = conn
	}
	return fresh
}

func (p *Pool) unknown(rosters []roster) []*WorkerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []*WorkerInfo
	for _, each := range rosters {
		for _, info := range each.workers {
			if p.processes[info.ID] == nil {
				found = append(found, info)
			}
		}
	}
	return found
}
