"""One file per plugin kind's adapter: how a stub is made from a channel. Found by entry point `pluginmgr.adapters`."""
