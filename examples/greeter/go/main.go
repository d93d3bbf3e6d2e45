// greeter-go is a sample plugin: HashiCorp's go-plugin as it comes, and one small gRPC service of its own,
// ../proto/greeter.proto. Nothing in it knows of pluginmgr but loadConfig.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// handshake must be what the PluginConfig's `handshake` says: a host asks for this kind of plugin and no other.
var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "GREETER_PLUGIN", MagicCookieValue: "good morning"}

// greeter answers the calls. go-plugin's own logger goes to stderr, where the host takes its lines for records.
type greeter struct {
	plugin.NetRPCUnsupportedPlugin
	greeting string
	log      hclog.Logger
}

// greet is what `protoc` would have named Greeter.Greet.
func (g *greeter) greet(_ context.Context, name *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	g.log.Debug("greeting", "name", name.Value)
	return wrapperspb.String(g.greeting + ", " + name.Value + "!"), nil
}

// GRPCServer is called by go-plugin once the host is there.
func (g *greeter) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	handler := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		name := new(wrapperspb.StringValue)
		if err := decode(name); err != nil {
			return nil, err
		}
		return g.greet(ctx, name)
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "greeter.v1.Greeter",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Greet", Handler: handler}},
	}, g)
	return nil
}

// GRPCClient would serve a host in Go.
func (g *greeter) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

// loadConfig reads the PluginConfig's `config`, which comes as a JSON file.
func (g *greeter) loadConfig() error {
	g.greeting = "Hello"
	path := os.Getenv("PLUGINMGR_CONFIG")
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, &struct{ Greeting *string }{&g.greeting})
}

// every runs the action again and again, with the period that an environment variable names.
func every(variable string, action func()) {
	if period, err := time.ParseDuration(os.Getenv(variable) + "s"); err == nil && period > 0 {
		go func() {
			for range time.Tick(period) {
				action()
			}
		}()
	}
}

func main() {
	log := hclog.New(&hclog.LoggerOptions{Name: "greeter", Level: hclog.Debug, Output: os.Stderr, JSONFormat: true})
	g := &greeter{log: log}
	if err := g.loadConfig(); err != nil {
		log.Error("cannot read the config", "error", err)
		os.Exit(1)
	}
	begin := time.Now()
	every("GREETER_SAY_EVERY_SECONDS", func() { log.Info("still here", "greeting", g.greeting, "for", time.Since(begin).Round(time.Second)) })
	every("GREETER_CRASH_AFTER_SECONDS", func() { panic("told to by GREETER_CRASH_AFTER_SECONDS") })
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         plugin.PluginSet{"greeter": g},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          log,
	})
}
