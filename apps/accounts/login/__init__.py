"""Logging in: what the project adds to allauth's password, second factors and recovery codes."""
