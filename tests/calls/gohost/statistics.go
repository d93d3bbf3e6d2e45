package main

import (
	"math"
	"sync"
	"time"
)

const mostFailures = 10000 // named one by one; all are counted

// statistics keeps three windows: since ready, since the last mark, since the last second.
type statistics struct {
	mu                sync.Mutex
	whole, named, now *window
}

type window struct {
	began                time.Time
	calls, failed, tries int
	latencies            histogram
	errors               map[string]int
	workers              map[string]*tally
	failures             []failure
}

type tally struct {
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
	First  float64 `json:"first"` // when it was sent
	Last   float64 `json:"last"`
}

// failure is a call whose caller got an error: the last worker, if there was one, and when it was sent to that.
type failure struct {
	Worker string  `json:"worker"`
	Sent   float64 `json:"sent"`
	Error  string  `json:"error"`
}

// report is a window as it is printed.
type report struct {
	Event    string            `json:"event"`
	Name     string            `json:"name,omitempty"`
	Time     float64           `json:"time"`
	Seconds  float64           `json:"seconds"`
	Calls    int               `json:"calls"`
	Failed   int               `json:"failed"`
	Tries    int               `json:"tries"`
	P50      float64           `json:"p50_ms"`
	P99      float64           `json:"p99_ms"`
	Max      float64           `json:"max_ms"`
	Errors   map[string]int    `json:"errors"`
	Workers  map[string]*tally `json:"workers"`
	Failures []failure         `json:"failures"`
}

func newStatistics() *statistics {
	return &statistics{whole: newWindow(), named: newWindow(), now: newWindow()}
}

func newWindow() *window {
	return &window{
		began: time.Now(), errors: map[string]int{}, workers: map[string]*tally{}, failures: []failure{},
	}
}

func (s *statistics) windows() [3]*window { return [3]*window{s.whole, s.named, s.now} }

func (s *statistics) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole, s.named, s.now = newWindow(), newWindow(), newWindow()
}

// tried counts one call on one worker.
func (s *statistics) tried(worker string, sent time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.windows() {
		each.tried(worker, sent, err)
	}
}

// called counts what the caller saw.
func (s *statistics) called(worker string, sent time.Time, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.windows() {
		each.called(worker, sent, took, err)
	}
}

// mark says the window that ends here, by that name, and begins another. No call falls between them.
func (s *statistics) mark(name string, say func(any)) {
	s.mu.Lock()
	past := s.named
	s.named = newWindow()
	s.mu.Unlock()
	say(past.report("mark", name))
}

func (s *statistics) second() report {
	s.mu.Lock()
	past := s.now
	s.now = newWindow()
	s.mu.Unlock()
	return past.report("second", "")
}

func (s *statistics) final() report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.whole.report("final", "")
}

func (w *window) tried(worker string, sent time.Time, err error) {
	w.tries++
	one := w.workers[worker]
	if one == nil {
		one = &tally{First: seconds(sent)}
		w.workers[worker] = one
	}
	one.Calls++
	one.First = min(one.First, seconds(sent))
	one.Last = max(one.Last, seconds(sent))
	if err != nil {
		one.Failed++
		w.errors[worker+": "+err.Error()]++
	}
}

func (w *window) called(worker string, sent time.Time, took time.Duration, err error) {
	w.calls++
	w.latencies.add(took)
	if err == nil {
		return
	}
	w.failed++
	if worker == "" {
		w.errors[err.Error()]++
	}
	if len(w.failures) < mostFailures {
		w.failures = append(w.failures, failure{worker, seconds(sent), err.Error()})
	}
}

func (w *window) report(event, name string) report {
	now := time.Now()
	return report{
		Event: event, Name: name, Time: seconds(now), Seconds: now.Sub(w.began).Seconds(),
		Calls: w.calls, Failed: w.failed, Tries: w.tries,
		P50: w.latencies.at(0.5), P99: w.latencies.at(0.99), Max: milliseconds(w.latencies.most),
		Errors: w.errors, Workers: w.workers, Failures: w.failures,
	}
}

// histogram has buckets that are each 2 % wider than the one before.
type histogram struct {
	buckets [1200]int
	count   int
	most    time.Duration
}

var growth = math.Log(1.02)

func (h *histogram) add(took time.Duration) {
	place := int(math.Log(max(1, float64(took.Nanoseconds()))) / growth)
	h.buckets[min(place, len(h.buckets)-1)]++
	h.count++
	h.most = max(h.most, took)
}

// at gives the milliseconds below which that share of the calls took.
func (h *histogram) at(share float64) float64 {
	left := int(math.Ceil(share * float64(h.count)))
	for place, count := range h.buckets {
		if left -= count; left <= 0 && h.count > 0 {
			return min(math.Exp(float64(place+1)*growth)/1e6, milliseconds(h.most))
		}
	}
	return 0
}

func milliseconds(took time.Duration) float64 { return float64(took.Nanoseconds()) / 1e6 }

func seconds(moment time.Time) float64 { return float64(moment.UnixMicro()) / 1e6 }
