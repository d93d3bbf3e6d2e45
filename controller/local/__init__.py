"""The local mode's two ends: the config file watched, the status file written. Nothing of Kubernetes."""
