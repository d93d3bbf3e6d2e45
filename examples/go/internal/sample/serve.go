// Package sample is what the samples in Go share: HashiCorp's go-plugin as it comes, and of each kind's service the part
// that is the same for every plugin. A sample says its metadata and has one function for one event or alert.
package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"pluginmgr.dev/clients/go/kindsv1"
)

// Log goes to stderr as records, which the host keeps: `pluginmgr logs` shows them.
var Log = hclog.New(&hclog.LoggerOptions{Name: "sample", Level: hclog.Debug, Output: os.Stderr, JSONFormat: true})

// Object is JSON as it comes: events and contexts are free-form.
type Object = map[string]any

// serve is the whole of go-plugin for us: the cookie of the kind, and the one service of it.
func serve(kind string, register func(*grpc.Server)) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BLINK_PLUGIN", MagicCookieValue: kind + "_v1"},
		Plugins:         plugin.PluginSet{kind: &service{register: register}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          Log,
	})
}

type service struct {
	plugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)
}

// GRPCServer is called by go-plugin once the host is there.
func (s *service) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	s.register(server)
	return nil
}

// GRPCClient would serve a host in Go that starts its plugins itself.
func (s *service) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

// LoadConfig reads the PluginConfig's `config`, which comes as a JSON file; what it doesn't say stays as it is.
func LoadConfig(config any) {
	path := os.Getenv("PLUGINMGR_CONFIG")
	if path == "" {
		return
	}
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, config)
	}
	if err != nil {
		Log.Error("cannot read the config", "error", err)
		os.Exit(1)
	}
}

// each answers a batch: one item's error is that item's and no other's.
func each[In, Out any](items []In, answer func(In) (Out, error), failed func(*kindsv1.ItemError) Out) []Out {
	answers := make([]Out, len(items))
	for i, item := range items {
		var err error
		if answers[i], err = answer(item); err != nil {
			answers[i] = failed(&kindsv1.ItemError{Message: err.Error()})
		}
	}
	return answers
}

func object(text string) (Object, error) {
	found := Object{}
	if text == "" {
		return found, nil
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	return found, nil
}

// ContextJSON is a context as it travels.
func ContextJSON(context Object) string {
	text, err := json.Marshal(context)
	if err != nil {
		panic(err) // what came as JSON goes as JSON
	}
	return string(text)
}

// Get follows a path into an object: Get(event, "user", "name"). It's nil where there is nothing.
func Get(from any, path ...string) any {
	for _, name := range path {
		inner, _ := from.(Object)
		from = inner[name]
	}
	return from
}

// Text is Get for what should be text; empty where it isn't.
func Text(from any, path ...string) string {
	text, _ := Get(from, path...).(string)
	return text
}
