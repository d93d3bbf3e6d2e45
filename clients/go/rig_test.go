package pluginmgr

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

const key = "rule/x"

// rig is a run directory with a registry, and a pool that follows it.
type rig struct {
	t        testing.TB
	runDir   string
	registry *fakeRegistry
	pool     *Pool
	all      []*echoWorker // that were ever started
}

func newRig(t testing.TB, options Options) *rig {
	t.Helper()
	runDir := shortDir(t)
	made := &rig{t: t, runDir: runDir, registry: startRegistry(t, runDir)}
	options.Host = "host"
	pool, err := Follow(context.Background(), runDir, options)
	if err != nil {
		t.Fatal(err)
	}
	made.pool = pool
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := pool.CloseContext(ctx); err != nil {
			t.Errorf("the pool did not close: %v", err)
		}
	})
	return made
}

// shortDir is for sockets: their paths may have 107 bytes.
func shortDir(t testing.TB) string {
	t.Helper()
	made, err := os.MkdirTemp("", "pm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(made) })
	return made
}

func (r *rig) worker(concurrency uint32) *echoWorker {
	r.t.Helper()
	made := startWorker(r.t, r.runDir, fmt.Sprintf("w%d", len(r.all)+1), concurrency)
	r.all = append(r.all, made)
	return made
}

// serving is a rig whose plugin serves with these workers, and the Watch that says so.
func (r *rig) serving(workers ...*echoWorker) *fakeSession {
	r.t.Helper()
	session := r.registry.next(r.t)
	session.mustSend(r.t, snapshot(nil, plugins(key, 1, workers...)))
	r.waitFor(key)
	return session
}

func (r *rig) waitFor(key string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.pool.WaitFor(ctx, key); err != nil {
		r.t.Fatal(err)
	}
}

// until asks again and again.
func (r *rig) until(what string, fits func() bool) {
	r.t.Helper()
	within(r.t, what, fits)
}

func within(t testing.TB, what string, fits func() bool) {
	t.Helper()
	for ends := time.Now().Add(patience); !fits(); time.Sleep(time.Millisecond) {
		if time.Now().After(ends) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// shorter is how often something is done by chance or in a race: a fifth of it with -short.
func shorter(times int) int {
	if testing.Short() {
		return times / 5
	}
	return times
}

func (r *rig) acquire() *Worker {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	worker, err := r.pool.Acquire(ctx, key)
	if err != nil {
		r.t.Fatal(err)
	}
	return worker
}

// waiting counts the calls in the plugin's queue.
func (r *rig) waiting() int {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	served := r.pool.plugins[key]
	if served == nil {
		return 0
	}
	return served.waiting.Len()
}

// serves tells whether exactly these workers are listed.
func (r *rig) serves(ids ...string) bool {
	var found []string
	for _, each := range r.pool.Plugins()[key] {
		found = append(found, each.ID)
	}
	return strings.Join(found, " ") == strings.Join(ids, " ")
}

// TestMain fails if anything that a test began still runs at the end.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leaked(); code == 0 && left != "" {
		fmt.Println("goroutines are left:\n" + left)
		code = 1
	}
	os.Exit(code)
}

// leaked gives the stacks of the goroutines that are ours or gRPC's, once they had time to end.
func leaked() string {
	var left []string
	for ends := time.Now().Add(patience); time.Now().Before(ends); time.Sleep(5 * time.Millisecond) {
		buffer := make([]byte, 1<<22)
		left = nil
		for _, each := range strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			if !strings.Contains(each, "leaked()") && !strings.Contains(each, "testing.(*T).Run") &&
				!strings.Contains(each, "testing.(*M).") &&
				(strings.Contains(each, "pluginmgr") || strings.Contains(each, "google.golang.org/grpc")) {
				left = append(left, each)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}
