package pluginmgr

import (
	"context"
	"errors"
	"testing"
	"time"
)

func acquireError(rig *rig, key string) error {
	worker, err := rig.pool.Acquire(context.Background(), key)
	if err == nil {
		worker.Release(nil)
	}
	return err
}

func (r *rig) untilError(key string, want error) {
	r.t.Helper()
	r.until("the pool says: "+want.Error(), func() bool { return errors.Is(acquireError(r, key), want) })
}

func TestWhatDoesNotServeIsNotFoundAndWhatIsGoneIsRemoved(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	if err := acquireError(rig, "rule/other"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	session.mustSend(t, remove(key))
	rig.untilError(key, ErrRemoved)
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	session.mustSend(t, register(key, 2, rig.worker(1)))
	rig.waitFor(key)
	rig.acquire().Release(nil)
	session.mustSend(t, unregister(key, "w2"))
	rig.until("the tombstone is forgotten", func() bool { return !rig.serves("w2") })
	if err := acquireError(rig, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestWhoWaitsIsToldWhenThePluginIsGone(t *testing.T) {
	for name, gone := range map[string]struct {
		end  func(*rig, *fakeSession)
		want error
	}{
		"unregistered": {func(r *rig, s *fakeSession) { s.mustSend(r.t, unregister(key)) }, ErrNotFound},
		"removed":      {func(r *rig, s *fakeSession) { s.mustSend(r.t, remove(key)) }, ErrRemoved},
		"closed":       {func(r *rig, _ *fakeSession) { go r.pool.Close() }, ErrDraining},
	} {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t, Options{})
			session := rig.serving(rig.worker(1))
			defer rig.acquire().Release(nil)
			ended := make(chan error, 1)
			go func() { ended <- acquireError(rig, key) }()
			rig.until("it waits", func() bool { return rig.waiting() == 1 })
			gone.end(rig, session)
			if err := receive(t, ended); !errors.Is(err, gone.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhoWaitsGetsAWorkerOfTheNewVersion(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	old := rig.acquire()
	defer old.Release(nil)
	got := make(chan string, 1)
	go func() {
		worker := rig.acquire()
		got <- worker.ID()
		worker.Release(nil)
	}()
	rig.until("it waits", func() bool { return rig.waiting() == 1 })
	session.mustSend(t, update(key, 2, []string{"w1"}, rig.worker(1)))
	if id := receive(t, got); id != "w2" {
		t.Errorf("got %s", id)
	}
}

func TestADrainingWorkerIsAnsweredForOnceItsLastCallHasEnded(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(0))
	first, second := rig.acquire(), rig.acquire()
	session.mustSend(t, update(key, 2, []string{"w1"}, rig.worker(0)))
	rig.until("the new one serves", func() bool { return rig.serves("w2") })
	first.Release(nil)
	if err := echo(context.Background(), second.Conn()); err != nil {
		t.Errorf("a call was cut: %v", err)
	}
	select {
	case id := <-session.drained:
		t.Fatalf("%s was answered for while a call ran on it", id)
	default:
	}
	second.Release(nil)
	if id := receive(t, session.drained); id != "w1" {
		t.Errorf("got %s", id)
	}
	second.Release(nil)
	session.mustSend(t, update(key, 3, []string{"w2"}, rig.worker(0)))
	if id := receive(t, session.drained); id != "w2" {
		t.Errorf("w1 was answered for twice: %s", id)
	}
}

func TestEveryMessageThatDrainsIsAnswered(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	session.mustSend(t, unregister(key, "w1"))
	if id := receive(t, session.drained); id != "w1" {
		t.Errorf("got %s", id)
	}
	session.mustSend(t, register(key, 1, rig.worker(1)))
	session.mustSend(t, remove(key, "w2"))
	if id := receive(t, session.drained); id != "w2" {
		t.Errorf("got %s", id)
	}
	session.mustSend(t, update(key, 1, []string{"never-heard-of"}, rig.worker(1)))
	if id := receive(t, session.drained); id != "never-heard-of" {
		t.Errorf("got %s", id)
	}
}

func TestAWorkerThatVanishedIsNotAnsweredFor(t *testing.T) {
	rig := newRig(t, Options{})
	one, two := rig.worker(0), rig.worker(0)
	session := rig.serving(one, two)
	session.mustSend(t, update(key, 1, nil, two))
	rig.until("one serves", func() bool { return rig.serves("w2") })
	session.mustSend(t, unregister(key, "w2"))
	if id := receive(t, session.drained); id != "w2" {
		t.Errorf("got %s", id)
	}
}

func TestAWorkerThatVanishedMayComeBack(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	one := rig.worker(0)
	session := rig.serving(one)
	held := rig.acquire()
	rig.acquire().Release(unavailable)
	session.mustSend(t, unregister(key))
	rig.untilError(key, ErrNotFound)
	session.mustSend(t, register(key, 1, one))
	rig.waitFor(key)
	again := rig.acquire()
	if again.Conn() != held.Conn() {
		t.Error("it has a second connection")
	}
	held.Release(nil)
	again.Release(nil)
}

func TestADrainingWorkerIsNeverTakenBack(t *testing.T) {
	rig := newRig(t, Options{})
	one, two := rig.worker(0), rig.worker(0)
	session := rig.serving(one)
	defer rig.acquire().Release(nil)
	session.mustSend(t, update(key, 2, []string{"w1"}, two))
	session.mustSend(t, update(key, 2, nil, one, two))
	session.mustSend(t, register("rule/next", 1, rig.worker(0)))
	rig.waitFor("rule/next") // so all before it has been taken over
	if !rig.serves("w2") {
		t.Errorf("serving: %+v", rig.pool.Plugins()[key])
	}
}

func TestAKnownWorkerKeepsItsConnectionAndTakesOverWhatIsSaid(t *testing.T) {
	rig := newRig(t, Options{})
	one := rig.worker(1)
	session := rig.serving(one)
	held := rig.acquire()
	one.message.DisplayName, one.message.Concurrency = "renamed", 2
	session.mustSend(t, update(key, 1, nil, one))
	second := rig.acquire() // waits for the message: only it allows a second call
	if second.DisplayName() != "renamed" || held.DisplayName() != "name of w1" || second.Conn() != held.Conn() {
		t.Errorf("got %q and %q", second.DisplayName(), held.DisplayName())
	}
	held.Release(nil)
	second.Release(nil)
}
