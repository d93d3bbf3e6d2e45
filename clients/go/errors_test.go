package pluginmgr

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAnIdempotentCallTellsItsHistory(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	rig.serving(failing(rig.worker(0), codes.Unavailable), failing(rig.worker(0), codes.Unavailable))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := rig.pool.Call(ctx, key, echo, Idempotent())
	var told *CallError
	if !errors.As(err, &told) || told.Count != 2 || len(told.Tries) != 2 || told.Tries[0].Worker == told.Tries[1].Worker {
		t.Fatalf("got %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) || status.Code(err) != codes.Unavailable {
		t.Errorf("it is neither its context's error nor the last one: %v", err)
	}
	for _, word := range []string{key, "tried 2 times", "deadline exceeded", "no w1", "no w2"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
}

func TestAHistoryEndsWithThePluginsAnswer(t *testing.T) {
	rig := newRig(t, Options{EjectFor: time.Hour})
	first, second := failing(rig.worker(0), codes.Unavailable), failing(rig.worker(0), codes.NotFound)
	session := rig.serving(first)
	second.answer = func(context.Context) error { return status.Error(codes.NotFound, "no such item") }
	done := make(chan error, 1)
	go func() { done <- rig.pool.Call(context.Background(), key, echo, Idempotent()) }()
	rig.until("the first has failed it", func() bool { return rig.waiting() == 1 })
	session.mustSend(t, update(key, 1, nil, first, second))
	if err := receive(t, done); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "tried 2 times") {
		t.Errorf("got %v", err)
	}
}

func TestALongHistoryKeepsItsEnd(t *testing.T) {
	history := &CallError{Plugin: key}
	for number := range 40 {
		history.add(Try{Began: time.Unix(int64(number), 0), Err: unavailable})
	}
	if history.Count != 40 || len(history.Tries) != 16 || history.Tries[15].Began.Unix() != 39 {
		t.Errorf("got %d, %d", history.Count, len(history.Tries))
	}
}
