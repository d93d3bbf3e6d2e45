"""The cluster: where the config comes from and where the status goes. The only place that knows kopf and kubernetes.

Nothing in here decides about plugins, and local mode never imports it.
"""
