// Answers zoo.Echo/Call with its request, after the milliseconds named in the metadata `delay-ms`.
// Does everything right and starts fast: for calls in flight while workers come and go. It says on stderr when its process
// began and when it was told to end, by its own clock. In its environment: ZOO_START_MS to start slowly; ZOO_MAX_MB to take
// so much memory, 8 MiB every ZOO_EVERY_MS (20), with a rest of ZOO_REST_MS after the first 96 MiB.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type echo struct{ plugin.Plugin }

func (e *echo) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil // no Go host calls it
}

func (e *echo) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "zoo.Echo",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: call}},
	}, e)
	return nil
}

func call(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	request := new(wrapperspb.StringValue)
	if err := decode(request); err != nil {
		return nil, err
	}
	for _, text := range metadata.ValueFromIncomingContext(ctx, "delay-ms") {
		delay, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(delay) * time.Millisecond)
	}
	return request, nil
}

// hoard takes memory, touches it and keeps it.
func hoard() {
	var kept [][]byte
	for len(kept)*8 < number("ZOO_MAX_MB", 0) {
		block := make([]byte, 8<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		kept = append(kept, block)
		time.Sleep(milliseconds("ZOO_EVERY_MS", 20))
		if len(kept) == 12 {
			time.Sleep(milliseconds("ZOO_REST_MS", 0))
		}
	}
	<-make(chan struct{})
	runtime.KeepAlive(kept)
}

func number(name string, otherwise int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return otherwise
}

func milliseconds(name string, otherwise int) time.Duration {
	return time.Duration(number(name, otherwise)) * time.Millisecond
}

func say(to io.Writer, what string) {
	fmt.Fprintf(to, "%s at %.3f\n", what, float64(time.Now().UnixMicro())/1e6)
}

func main() {
	stderr := os.Stderr // Serve puts another in its place
	say(stderr, "begun")
	time.Sleep(milliseconds("ZOO_START_MS", 0))
	go hoard()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "ZOO_PLUGIN",
			MagicCookieValue: "please",
		},
		Plugins:    map[string]plugin.Plugin{"echo": &echo{}},
		GRPCServer: plugin.DefaultGRPCServer,
	})
	say(stderr, "ending")
}
