package pluginmgr

import (
	"context"
	"errors"
	"testing"
)

func TestAWorkerHandedToOneWhoGaveUpIsDrainedStill(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	held := rig.acquire()
	_, late, err := rig.pool.takeOrQueue(key, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	held.Release(nil) // it is handed over, and not looked at before the deadline
	session.mustSend(t, update(key, 2, []string{"w1"}, rig.worker(1)))
	rig.until("the new one serves", func() bool { return rig.serves("w2") })
	select {
	case id := <-session.drained:
		t.Fatalf("%s was answered for while it was handed over", id)
	default:
	}
	rig.pool.giveUp(late)
	if id := receive(t, session.drained); id != "w1" {
		t.Errorf("got %s", id)
	}
	rig.acquire().Release(nil)
}

func TestAWorkerHandedToOneWhoGaveUpGoesToTheNext(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1))
	held := rig.acquire()
	_, late, err := rig.pool.takeOrQueue(key, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { got <- acquireError(rig, key) }()
	rig.until("two wait", func() bool { return rig.waiting() == 2 })
	held.Release(nil)
	rig.pool.giveUp(late)
	if err := receive(t, got); err != nil {
		t.Error(err)
	}
}

func TestNobodyWaitsForAPoolThatCloses(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	held := rig.acquire()
	calls := map[string]func() error{
		"acquire":    func() error { return acquireError(rig, key) },
		"idempotent": func() error { return rig.pool.Call(context.Background(), key, echo, Idempotent()) },
		"absent":     func() error { return rig.pool.Call(context.Background(), "rule/absent", echo, Idempotent()) },
		"wait for":   func() error { return rig.pool.WaitFor(context.Background(), "rule/absent") },
	}
	ended := make(chan error, 3*len(calls))
	begin := func() {
		for _, call := range calls {
			go func() { ended <- call() }()
		}
	}
	refused := func(when string) {
		for range calls {
			if err := receive(t, ended); !errors.Is(err, ErrDraining) {
				t.Errorf("%s: %v", when, err)
			}
		}
	}
	begin()
	rig.until("two wait", func() bool { return rig.waiting() == 2 })
	closed := make(chan struct{})
	go func() {
		rig.pool.Close()
		close(closed)
	}()
	refused("before")
	session.mustSend(t, unregister(key, "w1"))
	session.mustSend(t, register(key, 2, rig.worker(1)))
	session.mustSend(t, update(key, 2, nil))
	session.mustSend(t, register("rule/absent", 1, rig.worker(1)))
	rig.until("all was taken over", func() bool { return len(rig.pool.Plugins()["rule/absent"]) == 1 })
	begin()
	refused("while messages come in")
	held.Release(nil)
	<-closed
	begin()
	refused("after")
}
