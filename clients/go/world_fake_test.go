package pluginmgr

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// world is a controller with one plugin: it starts and stops its workers, and holds the host to the registry's rules.
type world struct {
	*rig
	chance *rand.Rand

	mu       sync.Mutex
	version  int
	session  *fakeSession // nil while the host is away
	serving  []*echoWorker
	draining map[string]*debt
	answers  map[string]int
}

// debt is a worker that the host may still call.
type debt struct {
	worker *echoWorker
	paid   chan struct{}
}

func newWorld(t testing.TB, options Options, seed uint64) *world {
	made := &world{
		rig: newRig(t, options), chance: rand.New(rand.NewPCG(seed, seed)),
		draining: map[string]*debt{}, answers: map[string]int{},
	}
	made.serving = made.fresh()
	go made.attend()
	t.Cleanup(func() {
		made.registry.server.Stop()
		close(made.registry.sessions)
	})
	made.waitFor(key)
	return made
}

// fresh starts one to three workers.
func (w *world) fresh() []*echoWorker {
	concurrency := w.chance.Uint32N(3)
	var made []*echoWorker
	for range 1 + w.chance.IntN(3) {
		made = append(made, w.worker(concurrency))
	}
	return made
}

// attend answers each Hello with a snapshot.
func (w *world) attend() {
	for session := range w.registry.sessions {
		w.mu.Lock()
		for id := range w.draining {
			if !slices.Contains(session.hello.GetHolds(), id) {
				w.pay(id)
			}
		}
		w.session = session
		w.say(func() error {
			if len(w.serving) == 0 {
				return session.send(snapshot(nil))
			}
			return session.send(snapshot(nil, plugins(key, w.version, w.serving...)))
		})
		w.mu.Unlock()
		go w.listen(session)
	}
}

func (w *world) listen(session *fakeSession) {
	for id := range session.drained {
		w.mu.Lock()
		w.answers[id]++
		if w.answers[id] > 1 {
			w.t.Errorf("%s was answered for twice", id)
		}
		if slices.ContainsFunc(w.serving, func(each *echoWorker) bool { return each.id == id }) {
			w.t.Errorf("%s was answered for, and serves", id)
		}
		w.pay(id)
		w.mu.Unlock()
	}
}

// pay ends a debt. No call may run on the worker then, or begin later.
func (w *world) pay(id string) {
	owed := w.draining[id]
	if owed == nil {
		return
	}
	delete(w.draining, id)
	owed.worker.drained.Store(true)
	if busy := owed.worker.busy.Load(); busy > 0 {
		w.t.Errorf("%s was answered for with %d calls on it", id, busy)
	}
	close(owed.paid)
}

// say sends, if somebody listens.
func (w *world) say(send func() error) {
	if w.session != nil && send() != nil {
		w.session = nil
	}
}

func (w *world) owe(workers []*echoWorker) (ids []string, debts []*debt) {
	for _, each := range workers {
		made := &debt{each, make(chan struct{})}
		w.draining[each.id] = made
		ids, debts = append(ids, each.id), append(debts, made)
	}
	return ids, debts
}

// collect stops the workers once they are drained.
func (w *world) collect(debts []*debt) {
	for _, each := range debts {
		select {
		case <-each.paid:
			each.worker.server.Stop()
		case <-time.After(patience):
			w.t.Errorf("%s is not drained", each.worker.id)
		}
	}
}

// swap replaces all workers by those of a new version.
func (w *world) swap() {
	made := w.fresh()
	w.mu.Lock()
	ids, debts := w.owe(w.serving)
	w.serving = made
	w.version++
	w.say(func() error { return w.session.send(update(key, w.version, ids, made...)) })
	w.mu.Unlock()
	w.collect(debts)
}

// flip lets nothing serve for a moment.
func (w *world) flip() {
	w.mu.Lock()
	ids, debts := w.owe(w.serving)
	w.serving = nil
	w.version++
	w.say(func() error { return w.session.send(unregister(key, ids...)) })
	w.mu.Unlock()
	w.collect(debts)
	w.register(w.fresh())
}

func (w *world) register(made []*echoWorker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving = made
	w.say(func() error { return w.session.send(register(key, w.version, made...)) })
}

// crash kills one worker, then tells, then puts another in its place.
func (w *world) crash() {
	w.mu.Lock()
	victim := w.serving[w.chance.IntN(len(w.serving))]
	w.mu.Unlock()
	victim.server.Stop()
	w.mu.Lock()
	rest := slices.DeleteFunc(slices.Clone(w.serving), func(each *echoWorker) bool { return each == victim })
	w.serving = rest
	w.say(func() error {
		if len(rest) == 0 {
			return w.session.send(unregister(key))
		}
		return w.session.send(update(key, w.version, nil, rest...))
	})
	w.mu.Unlock()
	w.register(append(slices.Clone(rest), w.worker(w.chance.Uint32N(3))))
}

// cut ends the host's Watch.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.session != nil {
		w.session.stop(status.Error(codes.ResourceExhausted, "too slow"))
		w.session = nil
	}
}

// skip leaves out a number, so that the host comes back.
func (w *world) skip() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say(func() error {
		w.session.sequence++
		return w.session.send(update(key, w.version, nil, w.serving...))
	})
}

// stall lets nothing through to or from the registry for a moment, as if the host stood still.
func (w *world) stall() {
	w.registry.gate.Lock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.swap()
	}()
	time.Sleep(20 * time.Millisecond) // what a host does meanwhile is what it did before
	w.registry.gate.Unlock()
	<-done
}

// gated is a connection that stands still while its gate is locked.
type gated struct {
	net.Conn
	gate *sync.RWMutex
}

func (g gated) Read(into []byte) (int, error) {
	count, err := g.Conn.Read(into)
	g.gate.RLock()
	defer g.gate.RUnlock()
	return count, err
}

func (g gated) Write(from []byte) (int, error) {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return g.Conn.Write(from)
}

type gatedListener struct {
	net.Listener
	gate *sync.RWMutex
}

func (g gatedListener) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	return gated{conn, g.gate}, err
}
