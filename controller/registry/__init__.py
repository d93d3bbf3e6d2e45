"""Messages to hosts in other containers over a Unix socket, and the same messages back on their side.

Imports nothing by itself: a host loads `client`, the controller `server`.
"""
