// geoip is an enrichment: it adds the country of an alert's source address.
package main

import (
	"net/netip"

	"example.com/pipeline-samples/internal/sample"
	"pluginmgr.dev/clients/go/kindsv1"
)

// countries stands for a database: the networks are those that RFC 5737 keeps for examples.
var countries = map[netip.Prefix]string{
	netip.MustParsePrefix("192.0.2.0/24"):    "NL",
	netip.MustParsePrefix("198.51.100.0/24"): "BR",
	netip.MustParsePrefix("203.0.113.0/24"):  "AQ",
}

var metadata = &kindsv1.EnrichmentMetadata{
	Identity: &kindsv1.Identity{
		Id: "geoip", Name: "geoip", DisplayName: "GeoIP", Version: "1.0.0", Enabled: true,
		Description: "Adds `country` for `source_ip`",
	},
}

func enrich(context sample.Object, _ *kindsv1.Alert) error {
	source := sample.Text(context, "source_ip")
	if source == "" {
		return nil
	}
	address, err := netip.ParseAddr(source)
	if err != nil {
		return err
	}
	for network, country := range countries {
		if network.Contains(address) {
			context["country"] = country
		}
	}
	return nil
}

func main() {
	sample.ServeEnrichment(metadata, enrich)
}
