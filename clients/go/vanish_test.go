package pluginmgr

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// stuck never answers; `began` tells of each call on it.
func stuck(worker *echoWorker) (began chan struct{}) {
	began = make(chan struct{}, 8)
	worker.answer = func(ctx context.Context) error {
		began <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	return began
}

func (r *rig) setGrace(grace time.Duration) {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	r.pool.grace = grace
}

func (r *rig) open() int {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return r.pool.open
}

func TestCallsOnAWorkerThatVanishedAreCutOff(t *testing.T) {
	rig := newRig(t, Options{})
	rig.setGrace(50 * time.Millisecond)
	one, two := rig.worker(0), rig.worker(0)
	began := stuck(one)
	session := rig.serving(one)
	once, again := make(chan error, 1), make(chan error, 1)
	go func() { once <- rig.pool.Call(context.Background(), key, echo) }()
	go func() { again <- rig.pool.Call(context.Background(), key, echo, Idempotent()) }()
	receive(t, began)
	receive(t, began)
	vanished := time.Now()
	session.mustSend(t, update(key, 1, nil, two))
	if err := receive(t, once); status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	if waited := time.Since(vanished); waited < 50*time.Millisecond {
		t.Errorf("cut off after %v", waited)
	}
	if err := receive(t, again); err != nil {
		t.Errorf("it did not go to the other worker: %v", err)
	}
	rig.until("its connection is closed once", func() bool { return rig.open() == 1 })
}

func TestAVanishedWorkerThatIsHeldPastItsGraceIsConnectedAnew(t *testing.T) {
	rig := newRig(t, Options{})
	rig.setGrace(10 * time.Millisecond)
	one := rig.worker(1)
	session := rig.serving(one)
	held := rig.acquire()
	session.mustSend(t, unregister(key))
	rig.until("it is cut off", func() bool {
		return status.Code(echo(context.Background(), held.Conn())) == codes.Canceled
	})
	session.mustSend(t, register(key, 1, one))
	if err := rig.pool.Call(context.Background(), key, echo, Idempotent()); err != nil {
		t.Error(err)
	}
	held.Release(nil)
	if err := rig.pool.Call(context.Background(), key, echo); err != nil {
		t.Error(err)
	}
	rig.until("one connection is left", func() bool { return rig.open() == 1 })
}

func TestAWorkerThatIsBackInTimeLosesNoCall(t *testing.T) {
	rig := newRig(t, Options{})
	rig.setGrace(50 * time.Millisecond)
	one := rig.worker(0)
	session := rig.serving(one)
	held := rig.acquire()
	defer held.Release(nil)
	session.mustSend(t, unregister(key))
	session.mustSend(t, register(key, 1, one, rig.worker(0)))
	rig.until("it is back", func() bool { return rig.serves("w1", "w2") })
	time.Sleep(100 * time.Millisecond) // to see that nothing happens
	if err := echo(context.Background(), held.Conn()); err != nil {
		t.Error(err)
	}
}

func TestADrainingWorkersCallsAreNotCutOff(t *testing.T) {
	rig := newRig(t, Options{})
	rig.setGrace(10 * time.Millisecond)
	session := rig.serving(rig.worker(0))
	held := rig.acquire()
	session.mustSend(t, update(key, 2, []string{"w1"}, rig.worker(0)))
	rig.until("the new one serves", func() bool { return rig.serves("w2") })
	time.Sleep(50 * time.Millisecond) // to see that nothing happens
	if err := echo(context.Background(), held.Conn()); err != nil {
		t.Error(err)
	}
	held.Release(nil)
	if id := receive(t, session.drained); id != "w1" {
		t.Errorf("got %s", id)
	}
}

func TestAVanishedWorkerWhoseLastCallEndsAsItIsListedAgainIsTaken(t *testing.T) {
	rig := newRig(t, Options{})
	one := rig.worker(1)
	session := rig.serving(one)
	held := rig.acquire()
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	change := rig.pool.read(register(key, 1, one))
	fresh := rig.pool.dialNew(change.rosters)
	held.Release(nil)
	rig.pool.mu.Lock()
	change.apply(fresh)
	rig.pool.mu.Unlock()
	if !rig.serves(one.id) {
		t.Errorf("serving: %v", rig.pool.Plugins())
	}
}
