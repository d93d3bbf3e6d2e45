// Answers zoo.Echo/Call with its request, after the milliseconds named in the metadata `delay-ms`.
// Does everything right and starts fast: for calls in flight while workers come and go.
package main

import (
	"context"
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

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "ZOO_PLUGIN",
			MagicCookieValue: "please",
		},
		Plugins:    map[string]plugin.Plugin{"echo": &echo{}},
		GRPCServer: plugin.DefaultGRPCServer,
	})
}
