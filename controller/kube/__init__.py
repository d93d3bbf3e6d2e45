"""The cluster: where the config comes from and where the status goes. The only place that knows kopf and kubernetes.

What many pods say is counted in here; about the plugins of one pod `core` decides. Local mode never imports it.
"""
