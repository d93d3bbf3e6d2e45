"""The command line: one file per command. Imports of a command's own needs stay inside its `run`."""
