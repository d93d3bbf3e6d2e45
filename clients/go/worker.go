package pluginmgr

import "google.golang.org/grpc"

// Worker is one process taken from a [Pool] for a call. It drains no further than this call until it is released.
type Worker struct {
	pool     *Pool
	process  *process
	info     *WorkerInfo // as it was when the worker was taken
	released bool
}

// Conn is the connection to the worker's own socket. The pool owns it: don't close it, and use it until Release only.
func (w *Worker) Conn() *grpc.ClientConn { return w.process.conn }

// ID names the process; it is never used again.
func (w *Worker) ID() string { return w.info.ID }

// Plugin is the key it was acquired by, kind/name.
func (w *Worker) Plugin() string { return w.info.Plugin }

// Version is what the process runs.
func (w *Worker) Version() Version { return w.info.Version }

// PluginID is the id that the plugin gives itself; may be empty.
func (w *Worker) PluginID() string { return w.info.PluginID }

// DisplayName is the name that the plugin gives itself; may be empty.
func (w *Worker) DisplayName() string { return w.info.DisplayName }

// Metadata is what the plugin says of itself: a JSON object, or empty.
func (w *Worker) Metadata() string { return w.info.Metadata }

// Info is all that the registry says of it.
func (w *Worker) Info() WorkerInfo { return *w.info }

// Release gives the worker back, with the call's error or nil. An error of the transport (codes.Unavailable) takes the
// worker out of rotation at once; it is back after [Options.EjectFor] if it is still listed. Only the first Release of
// a Worker counts.
func (w *Worker) Release(err error) { w.pool.release(w, isBroken(err)) }
