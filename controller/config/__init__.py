"""The PluginConfig document: schema, defaults, positions of errors, and its resolution to the core's values.

One code for the file of the local mode and the object of the cluster. No watching and no I/O but reading secrets.
"""
