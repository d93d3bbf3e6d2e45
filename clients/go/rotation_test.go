package pluginmgr

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
)

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
