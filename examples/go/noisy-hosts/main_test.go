package main

import (
	"testing"

	"example.com/pipeline-samples/internal/sample"
)

func TestOnlyKnownHostsAreNoisy(t *testing.T) {
	for host, want := range map[string]bool{"load-test-1": true, "web-1": false, "": false} {
		event := sample.Object{"host": sample.Object{"name": host}}
		if found, err := applies(event, nil); found != want || err != nil {
			t.Errorf("%q gives %v, %v", host, found, err)
		}
	}
}
