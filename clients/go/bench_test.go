package pluginmgr

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// BenchmarkAcquireRelease is the pool alone.
func BenchmarkAcquireRelease(b *testing.B) {
	rig := newRig(b, Options{})
	rig.serving(rig.worker(0))
	ctx := context.Background()
	for b.Loop() {
		worker, err := rig.pool.Acquire(ctx, key)
		if err != nil {
			b.Fatal(err)
		}
		worker.Release(nil)
	}
}

// BenchmarkCall is a unary echo through the pool and the same on a bare connection, in turns within one run. It reports
// the medians and their ratio.
func BenchmarkCall(b *testing.B) {
	rig := newRig(b, Options{})
	one := rig.worker(0)
	rig.serving(one)
	target := "unix:" + rig.runDir + "/" + one.message.Address
	bare, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	ctx := context.Background()
	var pooled, plain []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := rig.pool.Call(ctx, key, echo, Idempotent()); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if err := echo(ctx, bare); err != nil {
			b.Fatal(err)
		}
		pooled, plain = append(pooled, between.Sub(began)), append(plain, time.Since(between))
	}
	ours, theirs := median(pooled), median(plain)
	b.ReportMetric(float64(ours), "pool-ns")
	b.ReportMetric(float64(theirs), "bare-ns")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
