// A host under load: calls one method of one plugin from many goroutines at once, for ever, and says how it went.
//
//	callhost --run-dir DIR --host NAME --key KIND/NAME --method /service/Method [--payload-hex HEX] [--callers 32]
//	    [--idempotent] [--timeout 10s] [--metadata NAME=VALUE]... [--pause 0s] [--linger 0s]
//
// It prints JSON, one object a line: `begun` at once; `ready` once the plugin serves; `second` each second; `mark` with the window that
// ends, for each line `mark NAME` on stdin; `final` with all since ready, on SIGTERM, or `quit` on stdin, `--linger` later; until then it
// goes on calling, and says `asked` first. A window has
// calls, failed, p50_ms, p99_ms, max_ms, errors (a count by worker and text), workers (calls, failed, first and last time
// sent, by id) and failures (each one: worker, sent, error). Times are seconds since 1970. Each failed try counts as the
// worker's; a call fails only if the caller got an error.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"pluginmgr.dev/clients/go"
)

type load struct {
	key, method string
	payload     []byte
	callers     int
	idempotent  bool
	timeout     time.Duration
	pause       time.Duration
	linger      time.Duration
	metadata    metadata.MD
	statistics  *statistics
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	run := load{metadata: metadata.MD{}, statistics: newStatistics()}
	runDir := flag.String("run-dir", "", "the controller's run directory")
	host := flag.String("host", "callhost", "this host's name")
	flag.StringVar(&run.key, "key", "", "the plugin, kind/name")
	flag.StringVar(&run.method, "method", "", "the full gRPC method, /service/Method")
	flag.Func("payload-hex", "the request's bytes, in hex", func(text string) (err error) {
		run.payload, err = hex.DecodeString(text)
		return err
	})
	flag.IntVar(&run.callers, "callers", 32, "how many call at once")
	flag.BoolVar(&run.idempotent, "idempotent", false, "calls may be tried again on another worker")
	flag.DurationVar(&run.timeout, "timeout", 10*time.Second, "each call's deadline")
	flag.DurationVar(&run.pause, "pause", 0, "each caller's rest after a call")
	flag.DurationVar(&run.linger, "linger", 0, "go on calling for so long after being asked to end")
	flag.Func("metadata", "NAME=VALUE, sent with each call", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return errors.New("needs NAME=VALUE")
		}
		run.metadata.Append(name, value)
		return nil
	})
	flag.Parse()
	if *runDir == "" || run.key == "" || run.method == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(*runDir, *host, run); err != nil {
		log.Fatal(err)
	}
}

func serve(runDir, host string, run load) error {
	say(map[string]any{"event": "begun", "time": seconds(time.Now())})
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	context.AfterFunc(asked, func() {
		say(map[string]any{"event": "asked", "time": seconds(time.Now())})
		time.AfterFunc(run.linger, end)
	})
	pool, err := pluginmgr.Follow(context.Background(), runDir, pluginmgr.Options{Host: host})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.WaitFor(ctx, run.key); err != nil {
		return err
	}
	run.statistics.begin()
	say(map[string]any{"event": "ready", "time": seconds(time.Now())})
	var callers sync.WaitGroup
	for range run.callers {
		callers.Go(func() { run.call(ctx, pool) })
	}
	go obey(run.statistics, stop)
	tell(ctx, run.statistics)
	callers.Wait()
	say(run.statistics.final())
	return nil
}

// call makes one call after the other until ctx ends. A begun call is not cut.
func (l *load) call(ctx context.Context, pool *pluginmgr.Pool) {
	for ctx.Err() == nil {
		l.once(pool)
		if l.pause > 0 {
			time.Sleep(l.pause)
		}
	}
}

func (l *load) once(pool *pluginmgr.Pool) {
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(context.Background(), l.metadata), l.timeout)
	defer cancel()
	var options []pluginmgr.CallOption
	if l.idempotent {
		options = append(options, pluginmgr.Idempotent())
	}
	var worker string
	began := time.Now()
	sent := began
	err := pool.Call(ctx, l.key, func(ctx context.Context, conn *grpc.ClientConn) error {
		info, _ := pluginmgr.WorkerFrom(ctx)
		worker = info.ID
		sent = time.Now()
		err := l.invoke(ctx, conn)
		l.statistics.tried(worker, sent, err)
		return err
	}, options...)
	l.statistics.called(worker, sent, time.Since(began), err)
}

// invoke knows no messages: bytes that Empty has no fields for are kept as they are.
func (l *load) invoke(ctx context.Context, conn *grpc.ClientConn) error {
	request, answer := new(emptypb.Empty), new(emptypb.Empty)
	if err := proto.Unmarshal(l.payload, request); err != nil {
		return err
	}
	return conn.Invoke(ctx, l.method, request, answer)
}

// obey reads commands until standard input ends.
func obey(statistics *statistics, stop func()) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 2 && words[0] == "mark":
			statistics.mark(words[1], say)
		case len(words) == 1 && words[0] == "quit":
			stop()
		default:
			log.Printf("not understood: %q", lines.Text())
		}
	}
}

func tell(ctx context.Context, statistics *statistics) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			say(statistics.second())
		case <-ctx.Done():
			return
		}
	}
}

var output sync.Mutex

func say(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	output.Lock()
	defer output.Unlock()
	if _, err := fmt.Printf("%s\n", line); err != nil {
		log.Fatal(err)
	}
}
