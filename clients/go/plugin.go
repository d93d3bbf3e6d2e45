package pluginmgr

import "container/list"

// plugin is one plugin that serves, or is waited for: its workers and the calls that wait for one. The pool's mutex
// guards it. Whoever makes a worker free calls dispatch, so a call waits only while no worker is free.
type plugin struct {
	key       string
	serves    bool
	processes []*process
	waiting   list.List // of *waiter, first come, first served
	turn      int       // where the search for the least busy begins, so that equals take turns
}

// waiter is a call without a worker yet. What it gets is sent once.
type waiter struct {
	plugin  *plugin
	patient bool            // waits also while nothing serves
	tried   map[string]bool // worker ids; read only while it waits
	place   *list.Element   // nil once it has been answered
	granted chan grant
}

// grant is a worker, or why there is none.
type grant struct {
	worker *Worker
	err    error
}

// free finds the least busy worker that may be called, one of `tried` only where there is no other, or nil.
func (p *plugin) free(tried map[string]bool) *process {
	count := len(p.processes)
	var best *process
	for i := range count {
		each := p.processes[(p.turn+i)%count]
		if each.isFree() && (best == nil || each.isBetter(best, tried)) {
			best = each
		}
	}
	if best != nil {
		p.turn = (p.turn + 1) % count
	}
	return best
}

func (p *plugin) queue(patient bool, tried map[string]bool) *waiter {
	waits := &waiter{plugin: p, patient: patient, tried: tried, granted: make(chan grant, 1)}
	waits.place = p.waiting.PushBack(waits)
	return waits
}

// first is the call that came first, or nil.
func (p *plugin) first() *waiter {
	if front := p.waiting.Front(); front != nil {
		return front.Value.(*waiter)
	}
	return nil
}

// fail sends away all that wait.
func (p *plugin) fail(err error) {
	for waits := p.first(); waits != nil; waits = p.first() {
		waits.leave()
		waits.granted <- grant{err: err}
	}
}

// failImpatient sends away those that do not wait for a plugin that serves nothing; the others keep their places.
func (p *plugin) failImpatient(err error) {
	for place := p.waiting.Front(); place != nil; {
		waits := place.Value.(*waiter)
		place = place.Next()
		if !waits.patient {
			waits.leave()
			waits.granted <- grant{err: err}
		}
	}
}

func (w *waiter) leave() {
	w.plugin.waiting.Remove(w.place)
	w.place = nil
}
