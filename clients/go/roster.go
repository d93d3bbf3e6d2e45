package pluginmgr

import "google.golang.org/grpc"

// This file takes over what the registry says. All of it needs the pool's mutex.

// serve makes these workers, and no others, those of the plugin. It serves until it is said to be gone, even with none:
// calls wait meanwhile.
func (p *Pool) serve(now roster, fresh map[string]*grpc.ClientConn) {
	p.removed.remove(now.plugin)
	served := p.entry(now.plugin)
	served.serves = true
	before := served.processes
	served.processes = make([]*process, 0, len(now.workers))
	stay := make(map[*process]bool, len(now.workers))
	for _, info := range now.workers {
		if known := p.list(served, info, fresh); known != nil && !stay[known] {
			stay[known] = true
			served.processes = append(served.processes, known)
		}
	}
	for _, each := range before {
		if !stay[each] {
			p.unlist(each, false)
		}
	}
	p.dispatch(served)
	p.broadcast()
}

// list gives the worker's process, a new one if it is not known. It gives nil for one that was told to drain before:
// that is never taken back.
func (p *Pool) list(served *plugin, info *WorkerInfo, fresh map[string]*grpc.ClientConn) *process {
	if known := p.processes[info.ID]; known != nil && (known.owes || !known.cut) {
		if known.owes || known.listed && known.plugin != served {
			return nil
		}
		known.info, known.plugin, known.listed = info, served, true
		return known
	}
	conn := fresh[info.ID]
	if conn == nil {
		return nil
	}
	delete(fresh, info.ID)
	p.open++
	made := &process{info: info, conn: conn, plugin: served, listed: true}
	p.processes[info.ID] = made
	return made
}

// drain lets no new call begin on these workers, and answers for each once no call runs on it: at once, if the worker
// is not known.
func (p *Pool) drain(ids []string) {
	for _, id := range ids {
		if known := p.processes[id]; known != nil {
			p.unlist(known, true)
		} else {
			p.answer(id)
		}
	}
}

// withdraw ends the plugin's serving; who waits for it gets why. The patient wait on, unless it is gone for good.
func (p *Pool) withdraw(key string, why error) {
	if why == ErrRemoved {
		p.removed.add(key)
	} else {
		p.removed.remove(key)
	}
	served := p.plugins[key]
	if served == nil {
		return
	}
	leaving := served.processes
	served.serves, served.processes = false, nil
	for _, each := range leaving {
		p.unlist(each, false)
	}
	if why == ErrRemoved {
		served.fail(why)
	} else {
		served.failImpatient(why)
	}
	p.tidy(served)
}

// replace takes over a snapshot: what is missing in it is gone, and answered for.
func (p *Pool) replace(all []roster, removed []string, fresh map[string]*grpc.ClientConn) {
	p.removed = newTombstones(removed)
	plugins, workers := map[string]bool{}, map[string]bool{}
	for _, each := range all {
		plugins[each.plugin] = true
		for _, info := range each.workers {
			workers[info.ID] = true
		}
	}
	for id, each := range p.processes {
		if !workers[id] {
			p.unlist(each, true)
		}
	}
	for key := range p.plugins {
		if !plugins[key] {
			why := ErrNotFound
			if p.removed.has(key) {
				why = ErrRemoved
			}
			p.withdraw(key, why)
		}
	}
	for _, each := range all {
		p.serve(each, fresh)
	}
}

// unlist lets no new call begin on the process.
func (p *Pool) unlist(known *process, owes bool) {
	vanished := known.listed && !owes
	known.listed = false
	known.owes = known.owes || owes
	known.stopTimer()
	if vanished && known.running > 0 {
		known.vanish(p.grace, p.cutOff)
	}
	p.finishIfIdle(known)
}

// cutOff closes the connection of a process that vanished, under the calls on it.
func (p *Pool) cutOff(known *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known.isOverdue() {
		known.cut = true
		go p.hangUp(known.conn)
	}
}

// finishIfIdle closes what is left of a process that is listed no more, once no call runs on it.
func (p *Pool) finishIfIdle(known *process) {
	if known.listed || known.running > 0 || p.processes[known.info.ID] != known {
		return
	}
	delete(p.processes, known.info.ID)
	if known.owes {
		p.answer(known.info.ID)
	}
	if !known.cut {
		go p.hangUp(known.conn) // may wait for a peer that reads nothing, some seconds at most
	}
}

func (p *Pool) hangUp(conn *grpc.ClientConn) {
	_ = conn.Close() // fails only where it was closed before
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.settle()
}

// answer tells the registry that the worker is drained. While no Watch is open there is nobody to tell: the next one's
// Hello says it, by not holding the worker.
func (p *Pool) answer(id string) {
	if p.outbox != nil {
		p.outbox.add(id)
	}
}

// broadcast wakes those who wait for a plugin to serve.
func (p *Pool) broadcast() {
	close(p.changed)
	p.changed = make(chan struct{})
}
