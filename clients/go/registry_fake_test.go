package pluginmgr

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/internal/registryv1"
)

const patience = 10 * time.Second

type watchServer = grpc.BidiStreamingServer[registryv1.WatchRequest, registryv1.WatchResponse]

// fakeRegistry hands each Watch to the test.
type fakeRegistry struct {
	registryv1.UnimplementedRegistryServer
	sessions chan *fakeSession
	server   *grpc.Server
	gate     sync.RWMutex // locked: nothing comes through
}

// fakeSession is one Watch, from the server's side.
type fakeSession struct {
	hello    *registryv1.Hello
	drained  chan string // closed when the host is gone
	hungUp   bool        // by the host; known once drained is closed
	end      chan error
	mu       sync.Mutex
	sequence uint64
	stream   watchServer
	closing  sync.Once
}

func startRegistry(t testing.TB, runDir string) *fakeRegistry {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(runDir, registrySocket))
	if err != nil {
		t.Fatal(err)
	}
	made := &fakeRegistry{sessions: make(chan *fakeSession, 64), server: grpc.NewServer()}
	registryv1.RegisterRegistryServer(made.server, made)
	go made.server.Serve(gatedListener{listener, &made.gate}) // ends with Stop
	t.Cleanup(made.server.Stop)
	return made
}

func (r *fakeRegistry) Watch(stream watchServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	session := &fakeSession{
		hello: first.GetHello(), drained: make(chan string, 4096), end: make(chan error, 1), stream: stream,
	}
	go func() {
		defer close(session.drained)
		for {
			request, err := stream.Recv()
			if err != nil {
				if session.hungUp = errors.Is(err, io.EOF); session.hungUp {
					err = nil
				}
				session.stop(err)
				return
			}
			session.drained <- request.GetDrained().GetWorker()
		}
	}()
	r.sessions <- session
	return <-session.end
}

// stop ends the Watch with an error, or nil.
func (s *fakeSession) stop(err error) { s.closing.Do(func() { s.end <- err }) }

// send gives the message the next number.
func (s *fakeSession) send(message *registryv1.WatchResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	message.Sequence = s.sequence
	return s.stream.Send(message)
}

func (s *fakeSession) mustSend(t testing.TB, message *registryv1.WatchResponse) {
	t.Helper()
	if err := s.send(message); err != nil {
		t.Fatal(err)
	}
}

// next is the Watch that the host opens next.
func (r *fakeRegistry) next(t testing.TB) *fakeSession {
	t.Helper()
	return receive(t, r.sessions)
}

// receive bounds every wait of the tests.
func receive[T any](t testing.TB, channel <-chan T) T {
	t.Helper()
	select {
	case got, open := <-channel:
		if !open {
			t.Fatal("closed without a value")
		}
		return got
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func snapshot(removed []string, plugins ...*registryv1.Register) *registryv1.WatchResponse {
	said := &registryv1.Snapshot{Plugins: plugins, Removed: removed}
	return &registryv1.WatchResponse{Message: &registryv1.WatchResponse_Snapshot{Snapshot: said}}
}

func plugins(key string, version int, workers ...*echoWorker) *registryv1.Register {
	return &registryv1.Register{
		Plugin: key, Version: versionOf(version), Workers: messagesOf(workers...), MaxProcs: uint32(len(workers)),
	}
}

func register(key string, version int, workers ...*echoWorker) *registryv1.WatchResponse {
	return &registryv1.WatchResponse{
		Message: &registryv1.WatchResponse_Register{Register: plugins(key, version, workers...)},
	}
}

func update(key string, version int, draining []string, workers ...*echoWorker) *registryv1.WatchResponse {
	said := &registryv1.Update{
		Plugin: key, Version: versionOf(version), Workers: messagesOf(workers...),
		MaxProcs: uint32(len(workers)), Draining: draining,
	}
	return &registryv1.WatchResponse{Message: &registryv1.WatchResponse_Update{Update: said}}
}

func unregister(key string, draining ...string) *registryv1.WatchResponse {
	said := &registryv1.Unregister{Plugin: key, Draining: draining}
	return &registryv1.WatchResponse{Message: &registryv1.WatchResponse_Unregister{Unregister: said}}
}

func remove(key string, draining ...string) *registryv1.WatchResponse {
	said := &registryv1.Remove{Plugin: key, Draining: draining}
	return &registryv1.WatchResponse{Message: &registryv1.WatchResponse_Remove{Remove: said}}
}
