# Thin aliases; the README's two commands need no make.
VENV ?= $(or $(STATUSPLATFORM_VENV),.venv)
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml

.PHONY: up test lint lock bench

up:
	python3 manage.py up

test:
	python3 manage.py test

lint:
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy apps statusplatform

# Compile the hashed locks from the ranges in pyproject.toml (needs uv).
lock:
	$(LOCK) --output-file requirements/base.txt
	$(LOCK) --group dev --output-file requirements/dev.txt

# Each is a command of its own: `$(VENV)/bin/python -m bench.page --help`. Together about a quarter of an hour.
bench:
	-$(VENV)/bin/python bench/memory.py
	$(VENV)/bin/python -m bench.checks
	$(VENV)/bin/python -m bench.tick
	$(VENV)/bin/python -m bench.admin
	$(VENV)/bin/python -m bench.store
	$(VENV)/bin/python -m bench.page
	$(VENV)/bin/python -m bench.publish
	$(VENV)/bin/python -m bench.builds --incidents 1000
	$(VENV)/bin/python -m bench.restart
