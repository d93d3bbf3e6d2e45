#!/usr/bin/env python3
"""An enrichment that does not say who it is."""

from collections.abc import Mapping

from controller.kinds import Enrichment, serve


class EmptyId(Enrichment):
    def enrich(self, alert: object) -> Mapping[str, object]:
        return {}


serve(EmptyId())
