package pluginmgr

import (
	"path/filepath"
	"strings"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

// Version is what makes two workers interchangeable. Versions can be compared with ==.
type Version struct {
	Digest  string // SHA-256 of the binary, in hex
	Launch  string // digest of all else that shapes the process
	Restart uint32 // how often a restart was asked for
}

// WorkerInfo is what the registry says of one worker.
type WorkerInfo struct {
	ID          string // never used again while the controller's state directory lives
	Plugin      string // kind/name
	Version     Version
	PID         int    // as the controller's container counts
	Network     string // "unix" or "tcp"
	Address     string // a socket's absolute path, or host:port
	Adapter     string // which messages it understands
	Concurrency int    // how many calls at once this host may have on it; 0: any number
	PluginID    string // what the plugin says of itself, may be empty
	DisplayName string
	Metadata    string // the same, all of it: a JSON object, or empty
}

// roster is one plugin with all the workers that serve it.
type roster struct {
	plugin  string
	workers []*WorkerInfo
}

// serving is what Register and Update have in common.
type serving interface {
	GetPlugin() string
	GetVersion() *registryv1.Version
	GetWorkers() []*registryv1.Worker
}

func newRoster(runDir string, message serving) roster {
	version := Version{
		Digest:  message.GetVersion().GetDigest(),
		Launch:  message.GetVersion().GetLaunch(),
		Restart: message.GetVersion().GetRestart(),
	}
	made := roster{plugin: message.GetPlugin()}
	for _, each := range message.GetWorkers() {
		made.workers = append(made.workers, newInfo(runDir, message.GetPlugin(), version, each))
	}
	return made
}

func newInfo(runDir, plugin string, version Version, worker *registryv1.Worker) *WorkerInfo {
	address := worker.GetAddress()
	isPath := worker.GetNetwork() == "unix" && !strings.HasPrefix(address, "@")
	if isPath && !filepath.IsAbs(address) {
		address = filepath.Join(runDir, address)
	}
	return &WorkerInfo{
		ID:          worker.GetId(),
		Plugin:      plugin,
		Version:     version,
		PID:         int(worker.GetPid()),
		Network:     worker.GetNetwork(),
		Address:     address,
		Adapter:     worker.GetAdapter(),
		Concurrency: int(worker.GetConcurrency()),
		PluginID:    worker.GetPluginId(),
		DisplayName: worker.GetDisplayName(),
		Metadata:    worker.GetMetadata(),
	}
}
