package pluginmgr

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func failing(worker *echoWorker, code codes.Code) *echoWorker {
	worker.answer = func(context.Context) error { return status.Error(code, "no "+worker.id) }
	return worker
}

func TestAnIdempotentCallGoesToAnotherWorker(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Canceled} {
		t.Run(code.String(), func(t *testing.T) {
			rig := newRig(t, Options{EjectFor: time.Hour})
			bad, good := failing(rig.worker(0), code), rig.worker(0)
			rig.serving(bad, good)
			for range 10 {
				if err := rig.pool.Call(context.Background(), key, echo, Idempotent()); err != nil {
					t.Error(err)
				}
			}
			if bad.calls.Load() != 1 || good.calls.Load() != 10 {
				t.Errorf("calls: %d and %d", bad.calls.Load(), good.calls.Load())
			}
		})
	}
}

func TestAnotherCallIsMadeOnceAndItsErrorIsThePlugins(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	bad, good := failing(rig.worker(0), codes.Unavailable), rig.worker(0)
	rig.serving(bad, good)
	var errs []error
	for range 10 {
		if err := rig.pool.Call(context.Background(), key, echo); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) != 1 || status.Code(errs[0]) != codes.Unavailable || bad.calls.Load() != 1 {
		t.Errorf("errors: %v", errs)
	}
}

func TestAnAnswerOfThePluginIsNotTriedAgain(t *testing.T) {
	rig := newRig(t, Options{})
	bad := failing(rig.worker(0), codes.InvalidArgument)
	rig.serving(bad)
	err := rig.pool.Call(context.Background(), key, echo, Idempotent())
	if status.Code(err) != codes.InvalidArgument || bad.calls.Load() != 1 {
		t.Errorf("%d calls, %v", bad.calls.Load(), err)
	}
}

func TestAnIdempotentCallWaitsForAPluginThatDoesNotServe(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	done := make(chan error, 1)
	go func() { done <- rig.pool.Call(context.Background(), key, echo, Idempotent()) }()
	rig.until("it waits", func() bool { return rig.waiting() == 1 })
	if err := acquireError(rig, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("another call waits with it: %v", err)
	}
	session.mustSend(t, register(key, 2, rig.worker(0)))
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

func TestAnIdempotentCallKeepsItsPlaceWhileThePluginIsAway(t *testing.T) {
	rig := newRig(t, Options{MaxWaiting: 2})
	session := rig.serving(rig.worker(1))
	held := rig.acquire()
	order := make(chan int, 2)
	for number := range 2 {
		go func() {
			err := rig.pool.Call(context.Background(), key, func(context.Context, *grpc.ClientConn) error {
				order <- number
				return nil
			}, Idempotent())
			if err != nil {
				t.Error(err)
			}
		}()
		rig.until("it waits", func() bool { return rig.waiting() == number+1 })
	}
	session.mustSend(t, unregister(key, "w1"))
	rig.untilError(key, ErrNotFound)
	if err := rig.pool.Call(context.Background(), key, echo, Idempotent()); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	held.Release(nil)
	session.mustSend(t, register(key, 2, rig.worker(1)))
	for number := range 2 {
		if got := receive(t, order); got != number {
			t.Errorf("%d came where %d was due", got, number)
		}
	}
}

func TestAPluginThatIsWaitedForInVainIsForgotten(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	ended := make(chan error, 1)
	go func() { ended <- rig.pool.Call(context.Background(), "rule/expected", echo, Idempotent()) }()
	known := func() int {
		rig.pool.mu.Lock()
		defer rig.pool.mu.Unlock()
		return len(rig.pool.plugins)
	}
	rig.until("it waits", func() bool { return known() == 2 })
	if len(rig.pool.Plugins()) != 1 {
		t.Errorf("it is listed: %v", rig.pool.Plugins())
	}
	if err := rig.pool.WaitFor(shortly(t), "rule/expected"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	session.mustSend(t, remove("rule/expected"))
	if err := receive(t, ended); !errors.Is(err, ErrRemoved) {
		t.Errorf("got %v", err)
	}
	if err := rig.pool.Call(shortly(t), "rule/never", echo, Idempotent()); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if known() != 1 {
		t.Error("it is remembered for ever")
	}
}

func TestAnIdempotentCallThatFoundNothingSaysSo(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	session.mustSend(t, remove(key))
	rig.untilError(key, ErrRemoved)
	if err := rig.pool.Call(context.Background(), key, echo, Idempotent()); !errors.Is(err, ErrRemoved) {
		t.Errorf("got %v", err)
	}
	err := rig.pool.Call(shortly(t), "rule/never", echo, Idempotent())
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := rig.pool.Call(context.Background(), "rule/never", echo); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestACallersCancelEjectsNobody(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	one := rig.worker(0)
	began := make(chan struct{}, 1)
	one.answer = func(ctx context.Context) error {
		began <- struct{}{}
		<-ctx.Done()
		return nil
	}
	rig.serving(one)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rig.pool.Call(ctx, key, echo, Idempotent()) }()
	receive(t, began)
	cancel()
	if err := receive(t, done); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	rig.acquire().Release(nil)
}

func TestAPanicGivesTheWorkerBack(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = rig.pool.Call(context.Background(), key, func(context.Context, *grpc.ClientConn) error { panic("bug") })
	}()
	rig.acquire().Release(nil)
}

func TestAMethodKnowsItsWorker(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	err := rig.pool.Call(context.Background(), key, func(ctx context.Context, _ *grpc.ClientConn) error {
		if info, ok := WorkerFrom(ctx); !ok || info.ID != "w1" {
			t.Errorf("got %+v", info)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, ok := WorkerFrom(context.Background()); ok {
		t.Error("a worker from nowhere")
	}
}
