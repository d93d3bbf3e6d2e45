"""The five kinds of blink's pipeline: messages and services (`pb`), and base classes for those who write plugins."""
