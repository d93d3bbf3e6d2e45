"""pluginmgr: keeps go-plugin subprocesses as the plugin volume and a PluginConfig say."""
