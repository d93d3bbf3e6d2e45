package pluginmgr

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// vanishedGrace is what calls get that run on a worker which is listed no more and was not told to drain: most likely
// its process is gone.
const vanishedGrace = 5 * time.Second

// Pool gives out the workers of all plugins that serve. It is safe for use by many goroutines. [Follow] makes one.
//
// One mutex owns the workers' state, the count of the calls on them and the queues: a call is counted in the same
// critical section that sees its worker listed, so none begins on a worker that drains.
type Pool struct {
	options Options
	runDir  string
	stop    context.CancelFunc // ends the watch
	watched chan struct{}      // closed when the watch has ended
	grace   time.Duration      // of calls on a worker that vanished

	mu        sync.Mutex
	plugins   map[string]*plugin // those that serve, or are waited for
	removed   *tombstones
	processes map[string]*process // by worker id: listed, or still with a call
	outbox    *outbox             // of the Watch that is open, if one is
	changed   chan struct{}       // closed and replaced when a plugin begins to serve, and when the pool closes
	running   int                 // calls on all workers
	open      int                 // connections
	closed    bool                // takes no new call
	ended     bool                // and follows the registry no more
	quiet     chan struct{}       // closed once closed and no call runs
	gone      chan struct{}       // closed once ended and no connection is open
}

func newPool(runDir string, options Options) *Pool {
	return &Pool{
		options:   options,
		runDir:    runDir,
		watched:   make(chan struct{}),
		grace:     vanishedGrace,
		plugins:   map[string]*plugin{},
		removed:   newTombstones(nil),
		processes: map[string]*process{},
		changed:   make(chan struct{}),
		quiet:     make(chan struct{}),
		gone:      make(chan struct{}),
	}
}

// Acquire takes a worker of the plugin with that key, kind/name. Where none is free it waits, first come, first served,
// until one is or ctx ends. Release the worker once the call is over.
//
// The error is one of ErrNotFound, ErrRemoved, ErrDraining and ErrFull, at once, or wraps ctx's.
func (p *Pool) Acquire(ctx context.Context, key string) (*Worker, error) {
	return p.acquire(ctx, key, false, nil)
}

// acquire is Acquire that, if it is patient, waits also while nothing serves, and gives a worker of `tried` only where
// no other is free.
func (p *Pool) acquire(ctx context.Context, key string, patient bool, tried map[string]bool) (*Worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("acquire %s: %w", key, err)
	}
	worker, waits, err := p.takeOrQueue(key, patient, tried)
	if err != nil {
		return nil, fmt.Errorf("acquire %s: %w", key, err)
	}
	if worker != nil {
		worker.ctx = ctx
		return worker, nil
	}
	select {
	case got := <-waits.granted:
		if got.err != nil {
			return nil, fmt.Errorf("acquire %s: %w", key, got.err)
		}
		got.worker.ctx = ctx
		return got.worker, nil
	case <-ctx.Done():
		if serves := p.giveUp(waits); !serves {
			return nil, fmt.Errorf("acquire %s: %w: %w", key, ErrNotFound, ctx.Err())
		}
		return nil, fmt.Errorf("acquire %s: no worker was free: %w", key, ctx.Err())
	}
}

// WaitFor returns once the plugin serves, or with ErrDraining or ctx's error.
func (p *Pool) WaitFor(ctx context.Context, key string) error {
	for {
		p.mu.Lock()
		served := p.plugins[key]
		serves := served != nil && served.serves
		closed, changed := p.closed, p.changed
		p.mu.Unlock()
		if closed {
			return fmt.Errorf("wait for %s: %w", key, ErrDraining)
		}
		if serves {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: it does not serve: %w", key, ctx.Err())
		}
	}
}

// Plugins gives the workers of each plugin that serves, by kind/name. There may be none for a moment.
func (p *Pool) Plugins() map[string][]WorkerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := make(map[string][]WorkerInfo, len(p.plugins))
	for key, each := range p.plugins {
		if !each.serves {
			continue
		}
		found[key] = make([]WorkerInfo, 0, len(each.processes))
		for _, process := range each.processes {
			found[key] = append(found[key], *process.info)
		}
	}
	return found
}

// takeOrQueue gives a worker, or a place in the queue.
func (p *Pool) takeOrQueue(key string, patient bool, tried map[string]bool) (*Worker, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	served, err := p.find(key)
	if patient && err == ErrNotFound {
		served, err = p.entry(key), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if free := served.free(tried); free != nil {
		return p.take(free), nil, nil
	}
	if served.waiting.Len() >= p.options.MaxWaiting {
		return nil, nil, ErrFull
	}
	return nil, served.queue(patient, tried), nil
}

func (p *Pool) find(key string) (*plugin, error) {
	if p.closed {
		return nil, ErrDraining
	}
	if served := p.plugins[key]; served != nil && served.serves {
		return served, nil
	}
	if p.removed.has(key) {
		return nil, ErrRemoved
	}
	return nil, ErrNotFound
}

// entry is the plugin's, whether or not it serves.
func (p *Pool) entry(key string) *plugin {
	if p.plugins[key] == nil {
		p.plugins[key] = &plugin{key: key}
	}
	return p.plugins[key]
}

// tidy forgets a plugin that neither serves nor is waited for.
func (p *Pool) tidy(served *plugin) {
	if !served.serves && served.waiting.Len() == 0 && p.plugins[served.key] == served {
		delete(p.plugins, served.key)
	}
}

func (p *Pool) take(free *process) *Worker {
	free.running++
	p.running++
	return &Worker{pool: p, process: free, info: free.info}
}

// dispatch gives free workers to the calls that wait, in their order.
func (p *Pool) dispatch(served *plugin) {
	for waits := served.first(); waits != nil; waits = served.first() {
		free := served.free(waits.tried)
		if free == nil {
			return
		}
		waits.leave()
		waits.granted <- grant{worker: p.take(free)}
	}
}

// giveUp leaves the queue, and tells whether the plugin serves. A worker that was granted in the same moment goes to the
// next.
func (p *Pool) giveUp(waits *waiter) (serves bool) {
	p.mu.Lock()
	serves = waits.plugin.serves
	queued := waits.place != nil
	if queued {
		waits.leave()
		p.tidy(waits.plugin)
	}
	p.mu.Unlock()
	if queued {
		return serves
	}
	if got := <-waits.granted; got.worker != nil {
		got.worker.Release(nil)
	}
	return serves
}

func (p *Pool) release(worker *Worker, broken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if worker.released {
		return
	}
	worker.released = true
	used := worker.process
	used.running--
	p.running--
	switch {
	case !used.listed:
		p.finishIfIdle(used)
	case broken:
		used.eject(p.options.EjectFor, p.comeBack)
	}
	if used.listed {
		p.dispatch(used.plugin)
	}
	p.settle()
}

// comeBack ends an ejection.
func (p *Pool) comeBack(process *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if process.isBack() {
		process.ejected = false
		p.dispatch(process.plugin)
	}
}
