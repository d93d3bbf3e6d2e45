package pluginmgr

import (
	"time"

	"google.golang.org/grpc"
)

// process is a worker as this host sees it, from the message that lists it until no call runs on it any more. The pool's
// mutex guards it.
type process struct {
	info    *WorkerInfo // replaced, never changed
	conn    *grpc.ClientConn
	plugin  *plugin
	running int  // calls on it
	listed  bool // takes calls
	cut     bool // its connection was closed under its calls, after it vanished
	owes    bool // told to drain: the registry waits for Drained, and it is never listed again
	ejected bool // out of rotation after an error of the transport
	backAt  time.Time
	timer   *time.Timer
	endsAt  time.Time // once it vanished, for the calls on it
}

// isFree tells whether a call may begin on it.
func (p *process) isFree() bool {
	limit := p.info.Concurrency
	return p.listed && !p.ejected && (limit == 0 || p.running < limit)
}

// isBetter tells whether a call that failed on the workers `tried` should rather begin on it than on the other one.
func (p *process) isBetter(other *process, tried map[string]bool) bool {
	if was, otherWas := tried[p.info.ID], tried[other.info.ID]; was != otherWas {
		return otherWas
	}
	return p.running < other.running
}

// eject takes it out of rotation for a while, that no further failure prolongs. `back` is called without the mutex once
// the while is over.
func (p *process) eject(pause time.Duration, back func(*process)) {
	if p.ejected {
		return
	}
	p.ejected = true
	p.backAt = time.Now().Add(pause)
	if p.timer == nil {
		p.timer = time.AfterFunc(pause, func() { back(p) })
	} else {
		p.timer.Reset(pause)
	}
	p.conn.Connect() // a connection that was lost would else wait for the next call
}

// isBack tells, when the timer fires, whether the newest ejection is over.
func (p *process) isBack() bool {
	return p.listed && p.ejected && !time.Now().Before(p.backAt)
}

// stopTimer forgets an ejection.
func (p *process) stopTimer() {
	p.ejected = false
	if p.timer != nil {
		p.timer.Stop()
	}
}

// vanish gives the calls on it a last while. `over` is called without the mutex after that.
func (p *process) vanish(grace time.Duration, over func(*process)) {
	p.endsAt = time.Now().Add(grace)
	time.AfterFunc(grace, func() { over(p) })
}

// isOverdue tells, when that timer fires, whether the calls' last while is over: it may have been back since.
func (p *process) isOverdue() bool {
	return !p.listed && p.running > 0 && !p.cut && !time.Now().Before(p.endsAt)
}
