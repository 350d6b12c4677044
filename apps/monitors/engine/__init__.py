"""The engine: claims what is due, starts it on time, and records what came of it.

`claim` and `dispatch` run on the queue `default`, everything else in the worker of a location. See
docs/architecture.md, "How a check becomes a page".
"""
