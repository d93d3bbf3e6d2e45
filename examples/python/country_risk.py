#!/usr/bin/env python3
"""country-risk is an enrichment that builds on another: geoip finds the country, this one says what to think of it."""

from controller.kinds import Alert, Enrichment, serve


class CountryRisk(Enrichment):
    """Adds `country_risk`; where a login may come from, `config` of the PluginConfig says."""

    name = "country-risk"
    display_name = "Country risk"
    description = "Adds `country_risk` for `country`"
    version = "1.0.0"
    depends_on = ("geoip",)

    def enrich(self, alert: Alert) -> dict[str, str]:
        """Say how unusual the country is."""
        country = alert.context.get("country")
        if country is None:
            return {"country_risk": "unknown"}
        return {"country_risk": "low" if country in self.config.get("expected", ["NL"]) else "high"}


if __name__ == "__main__":
    serve(CountryRisk())
