package main

import (
	"strings"
	"testing"

	"example.com/pipeline-samples/internal/sample"
	"pluginmgr.dev/clients/go/kindsv1"
)

func login(outcome string, failures any) sample.Object {
	event := sample.Object{
		"action": "login", "outcome": outcome,
		"user": sample.Object{"name": "alice"}, "source": sample.Object{"ip": "203.0.113.7"},
	}
	if failures != nil {
		event["failures"] = failures
	}
	return event
}

func TestAFailedLoginMatchesWithItsUserAndSource(t *testing.T) {
	found, err := evaluate(login("failure", nil))
	if err != nil || !found.Matched || found.Title != "Failed login of alice" {
		t.Fatalf("got %v, %v", found, err)
	}
	if want := `"source_ip":"203.0.113.7"`; !strings.Contains(found.ContextJson, want) {
		t.Errorf("the context %s lacks %s", found.ContextJson, want)
	}
}

func TestASuccessIsNothing(t *testing.T) {
	if found, err := evaluate(login("success", nil)); found != nil || err != nil {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestSeverityIsHighFromTenFailuresOn(t *testing.T) {
	for failures, want := range map[float64]kindsv1.Severity{9: kindsv1.Severity_SEVERITY_UNSPECIFIED, 10: kindsv1.Severity_SEVERITY_HIGH} {
		if found, _ := evaluate(login("failure", failures)); found.Severity != want {
			t.Errorf("%v failures give %v, not %v", failures, found.Severity, want)
		}
	}
}

func TestFailuresThatAreNoNumberAreAnError(t *testing.T) {
	if _, err := evaluate(login("failure", "many")); err == nil {
		t.Error("no error")
	}
}
