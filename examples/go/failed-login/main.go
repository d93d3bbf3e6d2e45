// failed-login is a rule: it fires on each failed login, and is more worried from ten failures in a row on.
package main

import (
	"fmt"

	"example.com/pipeline-samples/internal/sample"
	"pluginmgr.dev/clients/go/kindsv1"
)

// many is from how many failures on an alert is of high severity; a PluginConfig may say otherwise.
var config = struct{ Many float64 }{Many: 10}

var metadata = &kindsv1.RuleMetadata{
	Identity: &kindsv1.Identity{
		Id: "failed-login", Name: "failed-login", DisplayName: "Failed login", Version: "1.0.0", Enabled: true,
		Description: "A login was refused",
	},
	Severity:    kindsv1.Severity_SEVERITY_LOW,
	Confidence:  kindsv1.Confidence_CONFIDENCE_MEDIUM,
	LogTypes:    []string{"auth"},
	Matchers:    []string{"prod-accounts"},
	ReqSubkeys:  []string{"user.name", "source.ip"},
	Tags:        []string{"attack.t1078"},
	Enrichments: []string{"geoip", "country-risk"},
	Formatters:  []string{"json-summary"},
	TuningRules: []string{"noisy-hosts"},
}

func evaluate(event sample.Object) (*kindsv1.Evaluation, error) {
	if sample.Text(event, "action") != "login" || sample.Text(event, "outcome") != "failure" {
		return nil, nil
	}
	user, failures := sample.Text(event, "user", "name"), 1.0
	switch reported := sample.Get(event, "failures").(type) {
	case nil:
	case float64:
		failures = reported
	default:
		return nil, fmt.Errorf("failures is %v, not a number", reported)
	}
	found := &kindsv1.Evaluation{
		Matched:     true,
		Title:       "Failed login of " + user,
		ContextJson: sample.ContextJSON(sample.Object{"user": user, "source_ip": sample.Text(event, "source", "ip"), "failures": failures}),
	}
	if failures >= config.Many {
		found.Severity = kindsv1.Severity_SEVERITY_HIGH
	}
	return found, nil
}

func main() {
	sample.LoadConfig(&config)
	sample.ServeRule(metadata, evaluate)
}
