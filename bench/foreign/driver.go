// The loops, the clocks and the counting; what driver.mjs is to the clients for Node.

package main

import (
	"fmt"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// mostErrors: more failed requests than this and the run is worth nothing.
const mostErrors = 100

// The phases of a run. Only the main goroutine moves it on.
const (
	warming int32 = iota
	measuring
	stopped
)

type ask func() (int64, error)

type result struct {
	Requests  int          `json:"requests"`
	BodyBytes int64        `json:"body_bytes"`
	Errors    int64        `json:"errors"`
	WallS     float64      `json:"wall_s"`
	CPUS      float64      `json:"cpu_s"`
	LatencyUS *percentiles `json:"latency_us"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// tally is what one task counted. No other goroutine looks at it before the task's end, and it fills cache
// lines of its own, so that threads do not fight for one.
type tally struct {
	requests int
	bytes    int64
	times    []time.Duration
	_        [88]byte
}

// run is what the tasks share.
type run struct {
	ask     ask
	latency bool
	phase   atomic.Int32
	errors  atomic.Int64
}

// timed lets tasks ask again and again: a warm-up, then the measured time.
func timed(ask ask, w *work) result {
	r := run{ask: ask, latency: w.Latency}
	end := r.spawn(w.Tasks, func(t *tally) {
		for r.phase.Load() != stopped {
			r.once(t)
		}
	})
	time.Sleep(time.Duration(w.WarmMS) * time.Millisecond)
	finish := start()
	r.phase.Store(measuring)
	time.Sleep(time.Duration(w.RunMS) * time.Millisecond)
	r.phase.Store(stopped)
	wall, cpu := finish()
	return r.result(end(), wall, cpu)
}

// counted asks so many times, all at once, on a client that has opened nothing yet.
func counted(ask ask, requests int, latency bool) result {
	r := run{ask: ask, latency: latency}
	r.phase.Store(measuring)
	finish := start()
	tallies := r.spawn(requests, r.once)()
	wall, cpu := finish()
	return r.result(tallies, wall, cpu)
}

// spawn starts tasks, and gives back how to wait for their end.
func (r *run) spawn(tasks int, task func(*tally)) func() []*tally {
	var all sync.WaitGroup
	tallies := make([]*tally, tasks)
	for i := range tallies {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			var t tally
			task(&t)
			tallies[i] = &t
		}(i)
	}
	return func() []*tally {
		all.Wait()
		return tallies
	}
}

// once asks once. An error counts wherever it happens, the rest only in the measured time.
func (r *run) once(t *tally) {
	var begun time.Time
	if r.latency {
		begun = time.Now()
	}
	n, err := r.ask()
	if err != nil {
		r.failed(err)
		return
	}
	if r.phase.Load() == measuring {
		t.requests++
		t.bytes += n
		if r.latency {
			t.times = append(t.times, time.Since(begun))
		}
	}
}

func (r *run) failed(err error) {
	errors := r.errors.Add(1)
	if errors == 1 {
		fmt.Fprintln(os.Stderr, "the first failed request:", err)
	}
	if errors > mostErrors {
		giveUp("more than %d requests failed", mostErrors)
	}
}

func (r *run) result(tallies []*tally, wall, cpu time.Duration) result {
	sum := result{Errors: r.errors.Load(), WallS: wall.Seconds(), CPUS: cpu.Seconds()}
	var times []time.Duration
	for _, t := range tallies {
		sum.Requests += t.requests
		sum.BodyBytes += t.bytes
		times = append(times, t.times...)
	}
	sum.LatencyUS = rank(times)
	return sum
}

func rank(times []time.Duration) *percentiles {
	if len(times) == 0 {
		return nil
	}
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	at := func(percent int) float64 {
		return float64(times[(len(times)-1)*percent/100].Nanoseconds()) / 1e3
	}
	return &percentiles{P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// start reads the wall clock and the CPU time of the process; what it gives back says how much has passed.
func start() func() (wall, cpu time.Duration) {
	before, clock := cpuTime(), time.Now()
	return func() (time.Duration, time.Duration) {
		return time.Since(clock), cpuTime() - before
	}
}

// cpuTime is the user and system time of the whole process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		giveUp("getrusage: %v", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
