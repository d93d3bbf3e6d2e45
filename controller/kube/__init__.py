"""The cluster's two ends: the PluginConfig followed, the status written. The only ones who know of Kubernetes.

Nothing here is imported in local mode: kopf and the client take tens of MiB, and half a second.
"""
