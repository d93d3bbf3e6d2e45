package pluginmgr

import "context"

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
	p.stop() // only now: until here workers that drain were answered for
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

// end follows the watch's end: nothing is listed any more.
func (p *Pool) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse()
	p.ended = true
	for _, each := range p.processes {
		p.unlist(each, false)
	}
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
