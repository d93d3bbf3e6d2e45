// noisy-hosts is a tuning rule: alerts of hosts that are known to cry wolf are ignored.
package main

import (
	"slices"

	"example.com/pipeline-samples/internal/sample"
	"pluginmgr.dev/clients/go/kindsv1"
)

// A PluginConfig may name other hosts.
var config = struct{ Hosts []string }{Hosts: []string{"load-test-1"}}

var metadata = &kindsv1.TuningRuleMetadata{
	Identity: &kindsv1.Identity{
		Id: "noisy-hosts", Name: "noisy-hosts", DisplayName: "Noisy hosts", Version: "1.0.0", Enabled: true,
		Description: "Ignores alerts of hosts that are known to be noisy",
	},
	Action: kindsv1.TuningAction_TUNING_ACTION_IGNORE,
}

func applies(event sample.Object, _ *kindsv1.Alert) (bool, error) {
	return slices.Contains(config.Hosts, sample.Text(event, "host", "name")), nil
}

func main() {
	sample.LoadConfig(&config)
	sample.ServeTuningRule(metadata, applies)
}
