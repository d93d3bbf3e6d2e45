"""One file per plugin kind's adapter: how its stub is made from a channel. Found by entry point `pluginmgr.adapters`."""
