package main

import (
	"testing"

	"example.com/pipeline-samples/internal/sample"
)

func TestACountryIsAddedWhereItIsKnown(t *testing.T) {
	for source, want := range map[string]any{"203.0.113.7": "AQ", "198.51.100.1": "BR", "10.0.0.1": nil, "": nil} {
		context := sample.Object{"source_ip": source, "user": "alice"}
		if err := enrich(context, nil); err != nil {
			t.Errorf("%q: %v", source, err)
		}
		if context["country"] != want || context["user"] != "alice" {
			t.Errorf("%q gives %v, not country %v", source, context, want)
		}
	}
}

func TestAnAddressThatIsNoneIsAnError(t *testing.T) {
	if err := enrich(sample.Object{"source_ip": "somewhere"}, nil); err == nil {
		t.Error("no error")
	}
}
