package pluginmgr

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const callers = 32

// load calls without a rest until `during` has returned; it gives the calls that succeeded, and fails for each other.
func load(w *world, during func(), options ...CallOption) int64 {
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var count atomic.Int64
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				limited, cancel := context.WithTimeout(context.Background(), patience)
				if err := w.pool.Call(limited, key, echo, options...); err != nil {
					w.t.Errorf("a call was lost: %v", err)
				}
				cancel()
				count.Add(1)
			}
		})
	}
	// Some lose patience while they wait: nobody's worker may get lost by that.
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				limited, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(300))*time.Microsecond)
				if worker, err := w.pool.Acquire(limited, key); err == nil {
					worker.Release(nil)
				}
				cancel()
			}
		})
	}
	during()
	stop()
	group.Wait()
	return count.Load()
}

// check looks at all workers, and at what the pool knows at the end.
func check(w *world, all []*echoWorker) {
	w.t.Helper()
	for _, each := range all {
		if late := each.late.Load(); late > 0 {
			w.t.Errorf("%d calls began on %s after it was answered for", late, each.id)
		}
		if limit := int64(each.message.GetConcurrency()); limit > 0 && each.most.Load() > limit {
			w.t.Errorf("%d calls at once on %s, which takes %d", each.most.Load(), each.id, limit)
		}
	}
	w.until("the pool knows only those that serve", func() bool {
		w.pool.mu.Lock()
		defer w.pool.mu.Unlock()
		return len(w.pool.processes) == len(w.serving) && w.pool.running == 0 && w.pool.open == len(w.serving)
	})
}

// play does fewer of them with -short.
func play(w *world, rounds int, acts ...func()) {
	for range shorter(rounds) {
		acts[w.chance.IntN(len(acts))]()
	}
}

func TestSwapsAndReconnectsLoseNoCall(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, Options{}, seed)
	calls := load(w, func() { play(w, 40, w.swap, w.swap, w.swap, w.swap, w.cut, w.skip, w.stall) })
	check(w, w.all)
	t.Logf("%d calls, %d workers", calls, len(w.all))
}

func TestCrashesAndFlipsLoseNoIdempotentCall(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, Options{EjectFor: 20 * time.Millisecond}, seed)
	calls := load(w, func() { play(w, 40, w.swap, w.flip, w.flip, w.crash, w.crash, w.cut, w.skip, w.stall) }, Idempotent())
	check(w, w.all)
	t.Logf("%d calls, %d workers", calls, len(w.all))
}
