package pluginmgr

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

// outbox holds the answers of one Watch that are not sent yet: a registry that reads slowly must not hold up a call's
// end.
type outbox struct {
	mu   sync.Mutex
	ids  []string
	last bool // nothing comes after these
	wake chan struct{}
}

// openOutbox begins a Watch. What is held and who will be answered for is one moment's state, so no answer is lost
// between the two.
func (p *Pool) openOutbox() (*outbox, []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outbox = &outbox{wake: make(chan struct{}, 1)}
	var holds []string
	for id := range p.processes {
		holds = append(holds, id)
	}
	slices.Sort(holds)
	return p.outbox, holds
}

func (p *Pool) closeOutbox() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outbox = nil
}

func (o *outbox) add(id string) {
	o.mu.Lock()
	o.ids = append(o.ids, id)
	o.mu.Unlock()
	o.ring()
}

// finish lets the sender hang up once all is sent.
func (o *outbox) finish() {
	o.mu.Lock()
	o.last = true
	o.mu.Unlock()
	o.ring()
}

func (o *outbox) ring() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) take() (ids []string, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids, o.ids = o.ids, nil
	return ids, o.last
}

// send says Hello, then Drained for each worker, until the stream breaks: that is the receiver's to report.
func (o *outbox) send(
	ctx context.Context, host string, holds []string,
	stream grpc.BidiStreamingClient[registryv1.WatchRequest, registryv1.WatchResponse],
) {
	hello := &registryv1.Hello{Host: host, Holds: holds}
	err := stream.Send(&registryv1.WatchRequest{Message: &registryv1.WatchRequest_Hello{Hello: hello}})
	for err == nil {
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
		ids, last := o.take()
		for _, id := range ids {
			drained := &registryv1.WatchRequest_Drained{Drained: &registryv1.Drained{Worker: id}}
			if err = stream.Send(&registryv1.WatchRequest{Message: drained}); err != nil {
				break
			}
		}
		if last {
			_ = stream.CloseSend() // it never fails
			return
		}
	}
}
