package pluginmgr

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAWorkerWithABrokenTransportLeavesTheRotation(t *testing.T) {
	rig := newRig(t, Options{EjectFor: 100 * time.Millisecond})
	rig.serving(rig.worker(0), rig.worker(0))
	broken := rig.acquire()
	began := time.Now()
	broken.Release(unavailable)
	for range 20 {
		other := rig.acquire()
		if other.ID() == broken.ID() && time.Since(began) < 100*time.Millisecond {
			t.Fatal("it was taken again")
		}
		other.Release(nil)
	}
	rig.until("it is back", func() bool {
		again := rig.acquire()
		defer again.Release(nil)
		return again.ID() == broken.ID()
	})
	if time.Since(began) < 100*time.Millisecond {
		t.Error("it was back too early")
	}
}

func TestACallWaitsForAnEjectedWorkerToComeBack(t *testing.T) {
	rig := newRig(t, Options{EjectFor: 50 * time.Millisecond})
	rig.serving(rig.worker(0))
	began := time.Now()
	rig.acquire().Release(unavailable)
	rig.acquire().Release(nil)
	if waited := time.Since(began); waited < 50*time.Millisecond {
		t.Errorf("it was back after %v", waited)
	}
}

func TestAnAnswerOfThePluginEjectsNobody(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(rig.worker(0))
	for _, code := range []codes.Code{codes.Internal, codes.DeadlineExceeded, codes.ResourceExhausted} {
		rig.acquire().Release(status.Error(code, "no"))
	}
	rig.acquire().Release(errors.New("no"))
}

func TestAWorkerThatCutsACallOffLeavesTheRotation(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(rig.worker(0), rig.worker(0))
	broken, err := rig.pool.Acquire(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	broken.Release(status.Error(codes.Canceled, "stopped"))
	for range 4 {
		other := rig.acquire()
		if other.ID() == broken.ID() {
			t.Error("it was taken again")
		}
		other.Release(nil)
	}
}

func TestACancelThatWasAskedForHereEjectsNobody(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(rig.worker(0))
	ctx, cancel := context.WithCancel(context.Background())
	worker, err := rig.pool.Acquire(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	worker.Release(echo(ctx, worker.Conn()))
	rig.acquire().Release(context.Canceled) // of a narrower context
	rig.acquire().Release(nil)
}

func TestAnIdempotentCallAvoidsAWorkerItHasTried(t *testing.T) {
	rig := newRig(t, Options{})
	bad, good := rig.worker(1), rig.worker(1)
	session := rig.serving(bad, good)
	first, second := rig.acquire(), rig.acquire()
	held := map[string]*Worker{first.ID(): first, second.ID(): second}
	held[bad.id].Release(nil)
	var tried []string
	done := make(chan error, 1)
	go func() {
		done <- rig.pool.Call(context.Background(), key, func(ctx context.Context, _ *grpc.ClientConn) error {
			info, _ := WorkerFrom(ctx)
			if tried = append(tried, info.ID); len(tried) > 1 {
				return nil
			}
			session.mustSend(t, update(key, 1, nil, good)) // it vanishes, so nothing is left to eject
			rig.until("it has vanished", func() bool { return rig.serves(good.id) })
			return unavailable
		}, Idempotent())
	}()
	rig.until("it waits", func() bool { return rig.waiting() == 1 })
	good.message.Concurrency = 2
	session.mustSend(t, update(key, 1, nil, bad, good)) // both have room, and the one that was tried has more
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
	if !slices.Equal(tried, []string{bad.id, good.id}) {
		t.Errorf("tried %v", tried)
	}
	held[good.id].Release(nil)
}

func TestAnIdempotentCallReturnsToTheOnlyWorker(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Millisecond})
	rig.serving(rig.worker(0))
	tries := 0
	err := rig.pool.Call(context.Background(), key, func(context.Context, *grpc.ClientConn) error {
		if tries++; tries < 3 {
			return unavailable
		}
		return nil
	}, Idempotent())
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestASecondFailureDoesNotProlongAnEjection(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(rig.worker(0))
	first, second := rig.acquire(), rig.acquire()
	backAt := func() time.Time {
		rig.pool.mu.Lock()
		defer rig.pool.mu.Unlock()
		return first.process.backAt
	}
	first.Release(unavailable)
	before := backAt()
	second.Release(unavailable)
	if after := backAt(); before.IsZero() || !after.Equal(before) {
		t.Errorf("it is back at %v, and no more at %v", after, before)
	}
}

func TestAPluginWithoutWorkersIsWaitedFor(t *testing.T) {
	rig := newRig(t, Options{MaxWaiting: 2})
	session := rig.serving(rig.worker(1))
	held := rig.acquire()
	got := make(chan error, 2)
	go func() { got <- acquireError(rig, key) }()
	rig.until("one waits", func() bool { return rig.waiting() == 1 })
	session.mustSend(t, update(key, 2, []string{"w1"}))
	rig.until("nobody is listed", func() bool { return rig.serves() })
	go func() { got <- acquireError(rig, key) }()
	rig.until("a newcomer waits, too", func() bool { return rig.waiting() == 2 })
	if err := acquireError(rig, key); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if all := rig.pool.Plugins(); len(all) != 1 || len(all[key]) != 0 {
		t.Errorf("it serves with nobody: %v", all)
	}
	rig.waitFor(key)
	held.Release(nil)
	session.mustSend(t, update(key, 2, nil, rig.worker(1)))
	for range 2 {
		if err := receive(t, got); err != nil {
			t.Error(err)
		}
	}
	session.mustSend(t, update(key, 3, []string{"w2"}))
	rig.until("nobody is listed", func() bool { return rig.serves() })
	go func() { got <- acquireError(rig, key) }()
	rig.until("it waits", func() bool { return rig.waiting() == 1 })
	session.mustSend(t, unregister(key))
	if err := receive(t, got); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
