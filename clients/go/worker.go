package pluginmgr

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Worker is one process taken from a [Pool] for a call. It drains no further than this call until it is released.
type Worker struct {
	ctx      context.Context // that it was acquired with
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

// Release gives the worker back, with the call's error or nil. An error of the transport (codes.Unavailable, or
// codes.Canceled while the context of Acquire goes on: the plugin was stopped) takes the worker out of rotation at
// once; it is back after [Options.EjectFor] if it is still listed. Only the first Release of a Worker counts.
//
// If you cancelled the call by a context of its own, release with that context's error, which ejects nobody.
func (w *Worker) Release(err error) { w.pool.release(w, w.isBroken(err)) }

// isBroken tells an error of the transport from an answer of the plugin.
func (w *Worker) isBroken(err error) bool {
	if err == nil {
		return false
	}
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.Canceled && w.ctx.Err() == nil
}
