"""A small detection pipeline: a host that follows the registry, calls plugins of five kinds, and prints alerts.

Start at `pipeline.py`, which has the order of things. `events.py` reads, `catalogue.py` knows what serves, `calls.py`
talks to it; `about.py`, `alerts.py`, `merge.py`, `order.py` and `route.py` decide, and do nothing else.
"""
