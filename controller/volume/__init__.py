"""Plugin binaries: found by scan, noticed by watch, kept and executed from the store. No decisions about plugins."""
