package pluginmgr

import (
	"context"
	"errors"
	"strings"
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

func TestAnIdempotentCallTellsItsHistory(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(failing(rig.worker(0), codes.Unavailable), failing(rig.worker(0), codes.Unavailable))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := rig.pool.Call(ctx, key, echo, Idempotent())
	var told *CallError
	if !errors.As(err, &told) || told.Count != 2 || len(told.Tries) != 2 || told.Tries[0].Worker == told.Tries[1].Worker {
		t.Fatalf("got %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) || status.Code(err) != codes.Unavailable {
		t.Errorf("it is neither its context's error nor the last one: %v", err)
	}
	for _, word := range []string{key, "tried 2 times", "deadline exceeded", "no w1", "no w2"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
}

func TestAHistoryEndsWithThePluginsAnswer(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	first, second := failing(rig.worker(0), codes.Unavailable), failing(rig.worker(0), codes.NotFound)
	session := rig.serving(first)
	second.answer = func(context.Context) error { return status.Error(codes.NotFound, "no such item") }
	done := make(chan error, 1)
	go func() { done <- rig.pool.Call(context.Background(), key, echo, Idempotent()) }()
	rig.until("the first has failed it", func() bool { return rig.waiting() == 1 })
	session.mustSend(t, update(key, 1, nil, first, second))
	if err := receive(t, done); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "tried 2 times") {
		t.Errorf("got %v", err)
	}
}

func TestALongHistoryKeepsItsEnd(t *testing.T) {
	history := &CallError{Plugin: key}
	for number := range 40 {
		history.add(Try{Began: time.Unix(int64(number), 0), Err: unavailable})
	}
	if history.Count != 40 || len(history.Tries) != 16 || history.Tries[15].Began.Unix() != 39 {
		t.Errorf("got %d, %d", history.Count, len(history.Tries))
	}
}

func TestAnIdempotentCallWaitsForAPluginThatDoesNotServe(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	done := make(chan error, 1)
	go func() { done <- rig.pool.Call(context.Background(), key, echo, Idempotent()) }()
	session.mustSend(t, register("rule/other", 1, rig.worker(0)))
	rig.waitFor("rule/other")
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	session.mustSend(t, register(key, 2, rig.worker(0)))
	if err := receive(t, done); err != nil {
		t.Error(err)
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
