package pluginmgr

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var unavailable = status.Error(codes.Unavailable, "gone")

func TestAWorkerSaysWhatTheRegistryKnows(t *testing.T) {
	rig := newRig(t, Options{})
	one := rig.worker(1)
	rig.serving(one)
	worker := rig.acquire()
	defer worker.Release(nil)
	want := WorkerInfo{
		ID: "w1", Plugin: key, Version: Version{Digest: "digest-1", Launch: "launch"}, PID: 7, Network: "unix",
		Address: rig.runDir + "/w1.sock", Adapter: "standard", Concurrency: 1,
		PluginID: "id of w1", DisplayName: "name of w1", Metadata: `{"worker":"w1"}`,
	}
	if worker.Info() != want {
		t.Errorf("got %+v", worker.Info())
	}
	if err := echo(context.Background(), worker.Conn()); err != nil {
		t.Error(err)
	}
	if found := rig.pool.Plugins(); len(found) != 1 || len(found[key]) != 1 || found[key][0] != want {
		t.Errorf("plugins: %+v", found)
	}
}

func TestTheLeastBusyWorkerIsTaken(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(0), rig.worker(0), rig.worker(0))
	taken := map[string]int{}
	for range 6 {
		worker := rig.acquire()
		defer worker.Release(nil)
		taken[worker.ID()]++
	}
	for id, count := range taken {
		if count != 2 || len(taken) != 3 {
			t.Errorf("%s was taken %d times: %v", id, count, taken)
		}
	}
}

func TestEqualsTakeTurns(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(0), rig.worker(0))
	taken := map[string]int{}
	for range 10 {
		worker := rig.acquire()
		worker.Release(nil)
		taken[worker.ID()]++
	}
	if taken["w1"] != 5 || taken["w2"] != 5 {
		t.Errorf("taken: %v", taken)
	}
}

func TestConcurrencyIsKept(t *testing.T) {
	rig := newRig(t, Options{})
	one, two := rig.worker(1), rig.worker(3)
	rig.serving(one, two)
	var callers sync.WaitGroup
	times := shorter(50)
	for range 16 {
		callers.Go(func() {
			for range times {
				if err := rig.pool.Call(context.Background(), key, echo); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if one.most.Load() != 1 || two.most.Load() > 3 {
		t.Errorf("at once: %d and %d", one.most.Load(), two.most.Load())
	}
	if one.calls.Load()+two.calls.Load() != int64(16*times) {
		t.Errorf("calls: %d and %d", one.calls.Load(), two.calls.Load())
	}
}

func TestWhoCameFirstIsServedFirst(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	held := rig.acquire()
	order := make(chan int, 10)
	for number := range 10 {
		go func() {
			worker := rig.acquire()
			order <- number
			worker.Release(nil)
		}()
		rig.until("the call waits", func() bool { return rig.waiting() == number+1 })
	}
	held.Release(nil)
	for number := range 10 {
		if got := receive(t, order); got != number {
			t.Errorf("%d came where %d was due", got, number)
		}
	}
}

func TestAFullQueueSaysSoAtOnce(t *testing.T) {
	rig := newRig(t, Options{MaxWaiting: 1})
	rig.serving(rig.worker(1))
	held := rig.acquire()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := rig.pool.Acquire(ctx, key)
		ended <- err
	}()
	rig.until("one waits", func() bool { return rig.waiting() == 1 })
	if _, err := rig.pool.Acquire(context.Background(), key); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if rig.waiting() != 0 {
		t.Error("a cancelled call still waits")
	}
	held.Release(nil)
	rig.acquire().Release(nil)
}

func TestNobodyWaitsPastItsDeadline(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	defer rig.acquire().Release(nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := rig.pool.Acquire(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := rig.pool.Acquire(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

func TestOnlyTheFirstReleaseCounts(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	first := rig.acquire()
	first.Release(nil)
	second := rig.acquire()
	first.Release(unavailable)
	first.Release(nil)
	if _, err := rig.pool.Acquire(shortly(t), key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second holder's worker was given out again: %v", err)
	}
	second.Release(nil)
	rig.acquire().Release(nil)
}

// shortly is a context that ends soon: to see that something does not happen.
func shortly(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestACancelInTheMomentOfTheGrantLosesNoWorker(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	for round := range shorter(500) {
		held := rig.acquire()
		ctx, cancel := context.WithCancel(context.Background())
		var both sync.WaitGroup
		both.Go(func() {
			if worker, err := rig.pool.Acquire(ctx, key); err == nil {
				worker.Release(nil)
			}
		})
		rig.until("it waits", func() bool { return rig.waiting() == 1 })
		if round%2 == 0 {
			cancel()
			held.Release(nil)
		} else {
			held.Release(nil)
			cancel()
		}
		both.Wait()
	}
	rig.acquire().Release(nil)
}
