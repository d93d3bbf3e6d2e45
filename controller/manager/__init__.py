"""The loop around the core: an inbox, one step at a time, a supervisor task per worker, and views of the state."""
