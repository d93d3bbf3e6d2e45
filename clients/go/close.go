package pluginmgr

import (
	"context"
	"time"
)

// goodbye bounds the wait for a registry to hear that the host leaves.
const goodbye = time.Second

// Close takes no new call (ErrDraining) and returns when none runs any more and all connections are closed.
func (p *Pool) Close() { _ = p.CloseContext(context.Background()) }

// CloseContext is Close with an end: when ctx ends first, it gives ctx's error, and the connections of the calls that
// still run are closed as these are released.
func (p *Pool) CloseContext(ctx context.Context) error {
	p.mu.Lock()
	p.refuse()
	p.mu.Unlock()
	defer p.stop()
	select {
	case <-p.quiet:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.depart()
	select {
	case <-p.watched:
	case <-time.After(goodbye):
	case <-ctx.Done():
	}
	p.stop()
	<-p.watched
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refuse takes no new call from here on.
func (p *Pool) refuse() {
	p.closed = true
	for _, each := range p.plugins {
		each.fail(ErrDraining)
	}
	p.broadcast()
	p.settle()
}

// depart answers for all workers, so that none has to wait for this host to be given up, and hangs up.
func (p *Pool) depart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget()
	if p.outbox != nil {
		p.outbox.finish()
	} else {
		p.stop()
	}
}

// end follows the watch's end.
func (p *Pool) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse()
	p.forget()
}

// forget lists nothing any more, and never again.
func (p *Pool) forget() {
	p.ended = true
	for _, each := range p.processes {
		p.unlist(each, true)
	}
	clear(p.plugins)
	p.settle()
}

// settle says when a closing pool has come to rest.
func (p *Pool) settle() {
	if p.closed && p.running == 0 {
		closeOnce(p.quiet)
	}
	if p.ended && p.open == 0 {
		closeOnce(p.gone)
	}
}

// closeOnce is for channels that are closed under one mutex.
func closeOnce(channel chan struct{}) {
	select {
	case <-channel:
	default:
		close(channel)
	}
}
