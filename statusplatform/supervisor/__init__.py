"""`manage.py up`: one small parent that starts, watches and stops everything else.

The parent is standard library only: it never imports Django, so that it stays small. It does not
import what it starts either (`child.py`, the `prepare` command).
"""
