package pluginmgr

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestCloseLetsRunningCallsEnd(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	held := rig.acquire()
	closed := make(chan struct{})
	go func() {
		rig.pool.Close()
		close(closed)
	}()
	rig.untilError(key, ErrDraining)
	session.mustSend(t, update(key, 2, []string{"w1"}, rig.worker(0))) // the watch goes on until the last call has ended
	rig.until("it was taken over", func() bool { return rig.serves("w2") })
	if err := echo(context.Background(), held.Conn()); err != nil {
		t.Error(err)
	}
	select {
	case <-closed:
		t.Error("closed under a call")
	default:
	}
	held.Release(nil)
	<-closed
	if err := rig.pool.WaitFor(context.Background(), key); !errors.Is(err, ErrDraining) {
		t.Errorf("got %v", err)
	}
	rig.pool.Close() // again
}

func TestAHostThatLeavesAnswersForAllItHolds(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0), rig.worker(0))
	rig.pool.Close()
	var answered []string
	for id := range session.drained {
		answered = append(answered, id)
	}
	slices.Sort(answered)
	if !slices.Equal(answered, []string{"w1", "w2"}) {
		t.Errorf("answered for %v", answered)
	}
	if !session.hungUp {
		t.Error("it left without a word")
	}
}

func TestAMessageThatComesTooLateIsNotTakenOver(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(0))
	rig.pool.Close()
	rig.pool.apply(register(key, 2, rig.worker(0)))
	if len(rig.pool.Plugins()) != 0 || rig.pool.open != 0 {
		t.Errorf("serving: %v", rig.pool.Plugins())
	}
}

func TestCloseContextEndsInTime(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(0))
	held := rig.acquire()
	if err := rig.pool.CloseContext(shortly(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := echo(context.Background(), held.Conn()); err != nil {
		t.Errorf("its connection was closed: %v", err)
	}
	held.Release(nil)
	rig.pool.Close()
	if err := echo(context.Background(), held.Conn()); err == nil {
		t.Error("its connection is still open")
	}
}

func TestTheContextsEndEndsThePool(t *testing.T) {
	runDir := shortDir(t)
	registry := startRegistry(t, runDir)
	ctx, cancel := context.WithCancel(context.Background())
	pool, err := Follow(ctx, runDir, Options{Host: "host"})
	if err != nil {
		t.Fatal(err)
	}
	session := registry.next(t)
	session.mustSend(t, snapshot(nil, plugins(key, 1, startWorker(t, runDir, "w1", 0))))
	within(t, "it serves", func() bool { return len(pool.Plugins()) == 1 })
	cancel()
	within(t, "no call is taken", func() bool {
		worker, err := pool.Acquire(context.Background(), key)
		if err == nil {
			worker.Release(nil)
		}
		return errors.Is(err, ErrDraining)
	})
	select {
	case <-pool.gone:
	case <-time.After(patience):
		t.Error("a connection is left")
	}
}

func TestConnectionsAreClosedWithTheirWorkers(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0), rig.worker(0))
	held := rig.acquire()
	session.mustSend(t, unregister(key, "w1", "w2"))
	open := func() int {
		rig.pool.mu.Lock()
		defer rig.pool.mu.Unlock()
		return rig.pool.open
	}
	rig.until("the idle one is closed", func() bool { return open() == 1 })
	held.Release(nil)
	rig.until("the last one is closed", func() bool { return open() == 0 })
}
