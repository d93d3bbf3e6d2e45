package pluginmgr

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// CallOption changes how one [Pool.Call] is made.
type CallOption func(*callOptions)

type callOptions struct{ idempotent bool }

// Idempotent says that the call may run more than once. After an error of the transport it goes to another worker, if
// one is free, and it waits for a plugin that serves nothing at the moment; both until ctx ends.
func Idempotent() CallOption { return func(o *callOptions) { o.idempotent = true } }

// Method makes one call on the connection, with the context it is given.
type Method func(ctx context.Context, conn *grpc.ClientConn) error

// Call runs one call on a worker of the plugin with that key, kind/name, and gives the method's error as it is, or
// Acquire's. An error of the transport takes the worker out of rotation, as Release does.
//
// An idempotent call that failed after a worker had failed it gives a [*CallError].
func (p *Pool) Call(ctx context.Context, key string, method Method, options ...CallOption) error {
	var chosen callOptions
	for _, each := range options {
		each(&chosen)
	}
	if chosen.idempotent {
		return p.callUntil(ctx, key, method)
	}
	worker, err := p.Acquire(ctx, key)
	if err != nil {
		return err
	}
	_, err = p.try(ctx, worker, method)
	return err
}

// callUntil tries one worker after the other. It does not spin: one that failed is out of rotation for a while.
func (p *Pool) callUntil(ctx context.Context, key string, method Method) error {
	history := &CallError{Plugin: key}
	for {
		worker, err := p.acquire(ctx, key, true, history.tried)
		if err != nil {
			return history.end(err)
		}
		began := time.Now()
		broken, err := p.try(ctx, worker, method)
		if err == nil {
			return nil
		}
		if !broken && history.Count == 0 {
			return err
		}
		history.add(Try{worker.ID(), began, err})
		if !broken {
			return history.end(err)
		}
		if ctx.Err() != nil {
			return history.end(ctx.Err())
		}
	}
}

// end gives the error itself where no worker was tried.
func (e *CallError) end(err error) error {
	if e.Count == 0 {
		return err
	}
	e.Err = err
	return e
}

// try runs the method, and gives the worker back even if it panics.
func (p *Pool) try(ctx context.Context, worker *Worker, method Method) (broken bool, err error) {
	defer func() { p.release(worker, broken) }()
	err = method(withWorker(ctx, worker), worker.Conn())
	return worker.isBroken(err), err
}

type workerKey struct{}

func withWorker(ctx context.Context, worker *Worker) context.Context {
	return context.WithValue(ctx, workerKey{}, worker.info)
}

// WorkerFrom tells a [Method] which worker its call runs on.
func WorkerFrom(ctx context.Context) (WorkerInfo, bool) {
	info, ok := ctx.Value(workerKey{}).(*WorkerInfo)
	if !ok {
		return WorkerInfo{}, false
	}
	return *info, true
}
