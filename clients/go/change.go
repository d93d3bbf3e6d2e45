package pluginmgr

import (
	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

// apply takes over one message. Connections are made before the mutex is taken.
func (p *Pool) apply(message *registryv1.WatchResponse) {
	change := p.read(message)
	fresh := p.dialNew(change.rosters)
	p.mu.Lock()
	if !p.ended {
		change.apply(fresh)
	}
	p.mu.Unlock()
	for _, conn := range fresh { // of workers that are not taken
		_ = conn.Close()
	}
}

// change is a message, read.
type change struct {
	rosters []roster
	apply   func(fresh map[string]*grpc.ClientConn)
}

func (p *Pool) read(message *registryv1.WatchResponse) change {
	switch said := message.GetMessage().(type) {
	case *registryv1.WatchResponse_Snapshot:
		return p.readSnapshot(said.Snapshot)
	case *registryv1.WatchResponse_Register:
		return p.readServing(said.Register, nil)
	case *registryv1.WatchResponse_Update:
		return p.readServing(said.Update, said.Update.GetDraining())
	case *registryv1.WatchResponse_Unregister:
		return p.readGone(said.Unregister, ErrNotFound)
	case *registryv1.WatchResponse_Remove:
		return p.readGone(said.Remove, ErrRemoved)
	}
	return change{apply: func(map[string]*grpc.ClientConn) {}} // of a newer registry
}

func (p *Pool) readSnapshot(said *registryv1.Snapshot) change {
	var all []roster
	for _, each := range said.GetPlugins() {
		all = append(all, newRoster(p.runDir, each))
	}
	return change{all, func(fresh map[string]*grpc.ClientConn) { p.replace(all, said.GetRemoved(), fresh) }}
}

func (p *Pool) readServing(said serving, draining []string) change {
	now := newRoster(p.runDir, said)
	return change{[]roster{now}, func(fresh map[string]*grpc.ClientConn) {
		p.drain(draining)
		p.serve(now, fresh)
	}}
}

// leaving is what Unregister and Remove have in common.
type leaving interface {
	GetPlugin() string
	GetDraining() []string
}

func (p *Pool) readGone(said leaving, why error) change {
	return change{nil, func(map[string]*grpc.ClientConn) {
		p.drain(said.GetDraining())
		p.withdraw(said.GetPlugin(), why)
	}}
}

// dialNew connects to the workers that are not known yet, and to those that vanished: they may be forgotten by the time
// that the message is taken over.
func (p *Pool) dialNew(rosters []roster) map[string]*grpc.ClientConn {
	fresh := map[string]*grpc.ClientConn{}
	for _, info := range p.unknown(rosters) {
		conn, err := dial(info.Network, info.Address, p.options.DialOptions)
		if err != nil {
			p.options.Logger.Error("no connection", "plugin", info.Plugin, "worker", info.ID, "error", err)
			continue
		}
		conn.Connect()
		fresh[info.ID] = conn
	}
	return fresh
}

func (p *Pool) unknown(rosters []roster) []*WorkerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []*WorkerInfo
	for _, each := range rosters {
		for _, info := range each.workers {
			if known := p.processes[info.ID]; known == nil || !known.listed && !known.owes {
				found = append(found, info)
			}
		}
	}
	return found
}
