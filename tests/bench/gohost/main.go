// Go's own go-plugin host as the yardstick: starts the plugin COUNT times in parallel, waits until each one is
// dispensed and answers a ping, prints the seconds from the first start to the last answer, and kills them all. With
// -printed, each plugin must besides have printed that text after its handshake.
//
// gohost -count 100 -cookie KEY=VALUE -protocol 1 [-printed TEXT] BINARY
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// anything stands for the plugin's service: dispensing costs no call, so nobody needs to know its methods.
type anything struct{ plugin.NetRPCUnsupportedPlugin }

func (anything) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (anything) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, connection *grpc.ClientConn) (any, error) {
	return connection, nil
}

type result struct {
	Count          int     `json:"count"`
	ReadySeconds   float64 `json:"ready_seconds"`
	StoppedSeconds float64 `json:"stopped_seconds"`
}

func main() {
	count := flag.Int("count", 100, "how many to start")
	cookie := flag.String("cookie", "BASIC_PLUGIN=hello", "cookie as KEY=VALUE")
	protocol := flag.Uint("protocol", 1, "protocol version")
	printed := flag.String("printed", "", "what each plugin prints")
	flag.Parse()
	key, value, found := strings.Cut(*cookie, "=")
	if flag.NArg() != 1 || !found {
		flag.Usage()
		os.Exit(2)
	}
	handshake := plugin.HandshakeConfig{ProtocolVersion: *protocol, MagicCookieKey: key, MagicCookieValue: value}
	clients := make([]*plugin.Client, *count)
	heard := make(chan struct{}, *count)
	for i := range clients {
		clients[i] = client(flag.Arg(0), handshake, &listener{text: *printed, heard: heard})
	}

	begin := time.Now()
	failures := inParallel(clients, start)
	ready := time.Since(begin)
	if len(failures) == 0 && *printed != "" {
		for range clients {
			select {
			case <-heard:
			case <-time.After(10 * time.Second):
				log.Fatalf("a plugin did not print %q", *printed)
			}
		}
	}
	inParallel(clients, func(c *plugin.Client) error { c.Kill(); return nil })
	stopped := time.Since(begin) - ready

	if len(failures) > 0 {
		log.Fatalf("%d of %d failed, the first: %v", len(failures), *count, failures[0])
	}
	if err := json.NewEncoder(os.Stdout).Encode(result{*count, ready.Seconds(), stopped.Seconds()}); err != nil {
		log.Fatal(err)
	}
}

// listener tells once when a text went through it.
type listener struct {
	text  string
	seen  string
	heard chan<- struct{}
	once  sync.Once
}

func (l *listener) Write(data []byte) (int, error) {
	l.seen += string(data)
	if strings.Contains(l.seen, l.text) {
		l.once.Do(func() { l.heard <- struct{}{} })
	}
	return len(data), nil
}

func client(binary string, handshake plugin.HandshakeConfig, printed *listener) *plugin.Client {
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugin.PluginSet{"any": anything{}},
		Cmd:              exec.Command(binary),
		SyncStdout:       printed,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
}

// start returns when the plugin is fit for calls.
func start(c *plugin.Client) error {
	protocol, err := c.Client()
	if err != nil {
		return err
	}
	if _, err := protocol.Dispense("any"); err != nil {
		return fmt.Errorf("dispense: %w", err)
	}
	return protocol.Ping()
}

func inParallel(clients []*plugin.Client, do func(*plugin.Client) error) []error {
	errors := make(chan error, len(clients))
	var group sync.WaitGroup
	for _, c := range clients {
		group.Go(func() {
			if err := do(c); err != nil {
				errors <- err
			}
		})
	}
	group.Wait()
	close(errors)
	var failures []error
	for err := range errors {
		failures = append(failures, err)
	}
	return failures
}
