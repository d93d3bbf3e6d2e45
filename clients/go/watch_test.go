package pluginmgr

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

func TestAReconnectSaysTheSameNameAndWhatIsHeld(t *testing.T) {
	rig := newRig(t, Options{})
	one, two := rig.worker(0), rig.worker(0)
	session := rig.serving(one, two)
	if session.hello.GetHost() != "host" || len(session.hello.GetHolds()) != 0 {
		t.Errorf("hello: %v", session.hello)
	}
	session.stop(status.Error(codes.Aborted, "again"))
	if again := rig.registry.next(t).hello; again.GetHost() != "host" || !slices.Equal(again.GetHolds(), []string{"w1", "w2"}) {
		t.Errorf("hello: %v", again)
	}
}

func TestCallsGoOnWhileTheRegistryIsAway(t *testing.T) {
	rig := newRig(t, Options{})
	rig.serving(rig.worker(1)).stop(status.Error(codes.Unavailable, "restarting"))
	session := rig.registry.next(t)
	if err := rig.pool.Call(context.Background(), key, echo); err != nil {
		t.Error(err)
	}
	session.stop(nil)
}

func TestAWorkerThatWasDrainedWhileTheRegistryWasAwayIsHeldNoMore(t *testing.T) {
	rig := newRig(t, Options{})
	one, two := rig.worker(0), rig.worker(0)
	session := rig.serving(one)
	held := rig.acquire()
	session.mustSend(t, update(key, 2, []string{"w1"}, two))
	rig.until("the new one serves", func() bool { return rig.serves("w2") })
	session.stop(nil)
	again := rig.registry.next(t)
	if !slices.Equal(again.hello.GetHolds(), []string{"w1", "w2"}) {
		t.Errorf("holds %v", again.hello.GetHolds())
	}
	again.stop(nil) // without a snapshot
	rig.until("no watch is open", func() bool {
		rig.pool.mu.Lock()
		defer rig.pool.mu.Unlock()
		return rig.pool.outbox == nil
	})
	held.Release(nil)
	for holds := []string{"w1", "w2"}; !slices.Equal(holds, []string{"w2"}); {
		last := rig.registry.next(t) // the release may have come after its Hello: then the answer does
		holds = last.hello.GetHolds()
		if slices.Contains(holds, "w1") {
			if id := receive(t, last.drained); id != "w1" {
				t.Errorf("answered for %s", id)
			}
			return
		}
		last.stop(nil)
	}
}

func TestASnapshotIsTheWholeTruth(t *testing.T) {
	rig := newRig(t, Options{})
	stays, leaves, gone, removed := rig.worker(0), rig.worker(0), rig.worker(0), rig.worker(0)
	session := rig.registry.next(t)
	session.mustSend(t, snapshot([]string{"rule/tombstone"},
		plugins(key, 1, stays, leaves), plugins("rule/gone", 1, gone), plugins("rule/removed", 1, removed)))
	rig.waitFor(key)
	rig.untilError("rule/tombstone", ErrRemoved)
	var busy *Worker
	for busy == nil || busy.ID() != leaves.id {
		busy = rig.acquire()
		defer busy.Release(nil)
	}
	session.stop(nil)
	again := rig.registry.next(t)
	again.mustSend(t, snapshot([]string{"rule/removed"}, plugins(key, 1, stays)))
	var answered []string
	for range 2 {
		answered = append(answered, receive(t, again.drained))
	}
	slices.Sort(answered)
	if !slices.Equal(answered, []string{gone.id, removed.id}) {
		t.Errorf("answered for %v", answered)
	}
	rig.untilError("rule/gone", ErrNotFound)
	rig.untilError("rule/removed", ErrRemoved)
	rig.untilError("rule/tombstone", ErrNotFound)
	if !rig.serves(stays.id) {
		t.Errorf("serving: %+v", rig.pool.Plugins()[key])
	}
	busy.Release(nil)
	if id := receive(t, again.drained); id != leaves.id {
		t.Errorf("answered for %s", id)
	}
}

func TestWhatDoesNotFitBreaksTheWatch(t *testing.T) {
	for name, wrong := range map[string]func(*fakeSession){
		"a gap in the numbers": func(s *fakeSession) {
			s.sequence++
			_ = s.send(unregister(key))
		},
		"a number twice": func(s *fakeSession) {
			s.sequence--
			_ = s.send(unregister(key))
		},
		"a second snapshot": func(s *fakeSession) { _ = s.send(snapshot(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t, Options{})
			wrong(rig.serving(rig.worker(1)))
			again := rig.registry.next(t)
			if !rig.serves("w1") {
				t.Error("it was taken over")
			}
			again.mustSend(t, register(key, 1)) // no snapshot first
			rig.registry.next(t)
		})
	}
}

func TestAMessageOfANewerRegistryIsPassedOver(t *testing.T) {
	rig := newRig(t, Options{})
	session := rig.serving(rig.worker(1))
	session.mustSend(t, &registryv1.WatchResponse{})
	session.mustSend(t, register("rule/next", 1, rig.worker(1)))
	rig.waitFor("rule/next")
}

func TestAWorkerOnTCPAndOneWithAnAbsolutePathAreReached(t *testing.T) {
	rig := newRig(t, Options{})
	one := rig.worker(0)
	one.message.Address = rig.runDir + "/" + one.message.Address
	two := serveWorker(t, "tcp", "127.0.0.1:0", &registryv1.Worker{Id: "w2", Network: "tcp"})
	rig.serving(one, two)
	for range 4 {
		if err := rig.pool.Call(context.Background(), key, echo); err != nil {
			t.Error(err)
		}
	}
	if one.calls.Load() != 2 || two.calls.Load() != 2 {
		t.Errorf("calls: %d and %d", one.calls.Load(), two.calls.Load())
	}
}

func TestTheRegistryMayComeLate(t *testing.T) {
	runDir := shortDir(t)
	pool, err := Follow(context.Background(), runDir, Options{Host: "early"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Acquire(context.Background(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	one := startWorker(t, runDir, "w1", 0)
	startRegistry(t, runDir).next(t).mustSend(t, snapshot(nil, plugins(key, 1, one)))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := pool.WaitFor(ctx, key); err != nil {
		t.Error(err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, bad := range []Options{
		{}, {Host: strings.Repeat("x", 129)}, {Host: "x", MaxWaiting: -1}, {Host: "x", EjectFor: -1},
	} {
		if _, err := Follow(context.Background(), t.TempDir(), bad); err == nil {
			t.Errorf("taken: %+v", bad)
		}
	}
}

func TestBackoffGrowsToASecondAndNeverRestsLess(t *testing.T) {
	for failures := range 100 {
		longest, shortest := backoffOf(failures, 0), backoffOf(failures, 0.999)
		if shortest < 50*time.Millisecond || longest > time.Second || shortest >= longest {
			t.Errorf("after %d: %v to %v", failures, shortest, longest)
		}
	}
	if backoffOf(0, 0) != 100*time.Millisecond || backoffOf(99, 0) != time.Second {
		t.Errorf("from %v to %v", backoffOf(0, 0), backoffOf(99, 0))
	}
}
