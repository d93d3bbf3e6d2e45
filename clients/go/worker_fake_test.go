package pluginmgr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

const echoMethod = "/test.Echo/Call"

// echoWorker is a plugin's process, but for the process: a gRPC server that answers what it is asked.
type echoWorker struct {
	id      string
	message *registryv1.Worker
	server  *grpc.Server
	calls   atomic.Int64
	busy    atomic.Int64
	most    atomic.Int64                // at once
	answer  func(context.Context) error // nil: at once, without an error
	drained atomic.Bool
	late    atomic.Int64 // calls that began after it was drained
}

// startWorker serves on a socket in the run directory; `concurrency` is what the registry says of it.
func startWorker(t testing.TB, runDir, id string, concurrency uint32) *echoWorker {
	t.Helper()
	return serveWorker(t, "unix", filepath.Join(runDir, id+".sock"), &registryv1.Worker{
		Id: id, Network: "unix", Address: id + ".sock", Adapter: "standard", Concurrency: concurrency,
		PluginId: "id of " + id, DisplayName: "name of " + id, Metadata: `{"worker":"` + id + `"}`, Pid: 7,
	})
}

func serveWorker(t testing.TB, network, address string, message *registryv1.Worker) *echoWorker {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if network == "tcp" {
		message.Address = listener.Addr().String() // its port was any
	}
	made := &echoWorker{id: message.GetId(), message: message, server: grpc.NewServer()}
	made.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Echo",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: made.call}},
	}, made)
	go made.server.Serve(listener) // ends with Stop
	t.Cleanup(made.server.Stop)
	return made
}

func (w *echoWorker) call(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	if w.drained.Load() {
		w.late.Add(1)
	}
	w.calls.Add(1)
	busy := w.busy.Add(1)
	defer w.busy.Add(-1)
	for most := w.most.Load(); busy > most && !w.most.CompareAndSwap(most, busy); most = w.most.Load() {
	}
	request := new(wrapperspb.StringValue)
	if err := decode(request); err != nil {
		return nil, err
	}
	if w.answer != nil {
		if err := w.answer(ctx); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// echo calls a worker once.
func echo(ctx context.Context, conn *grpc.ClientConn) error {
	said, heard := wrapperspb.String("hello"), new(wrapperspb.StringValue)
	if err := conn.Invoke(ctx, echoMethod, said, heard); err != nil {
		return err
	}
	if heard.GetValue() != "hello" {
		return errors.New("it answered " + heard.GetValue())
	}
	return nil
}

func versionOf(number int) *registryv1.Version {
	return &registryv1.Version{Digest: fmt.Sprintf("digest-%d", number), Launch: "launch"}
}

func messagesOf(workers ...*echoWorker) []*registryv1.Worker {
	var all []*registryv1.Worker
	for _, each := range workers {
		all = append(all, each.message)
	}
	return all
}
