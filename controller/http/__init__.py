"""What the controller answers over HTTP: probes and metrics on a port, control on a Unix socket. No decisions."""
