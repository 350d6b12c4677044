"""A small service to watch and to break: what examples/demo.yaml's monitors check.

It runs as a process of its own and is standard library only.
"""
