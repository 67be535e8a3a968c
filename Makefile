# The two commands a newcomer needs: `make demo` and `make test`. Both set everything up first; the work is in tools/.

# What points at other installations (a sourced ROS workspace, another environment) must not reach ours.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH VIRTUAL_ENV

SYSTEM_PYTHON := python3 -E -s
.DEFAULT_GOAL := help
.PHONY: help demo test setup lint format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: ## set up and play the demo: make demo ARGS="--seconds 60 --headless"
	@$(SYSTEM_PYTHON) tools/setup.py --demo
	@.venv/bin/roost demo $(ARGS)

test: ## set up and run everything that CI runs
	@$(SYSTEM_PYTHON) tools/setup.py
	@$(SYSTEM_PYTHON) tools/check.py

setup: ## set up only
	@$(SYSTEM_PYTHON) tools/setup.py

lint: setup ## only the checks that take seconds
	@$(SYSTEM_PYTHON) tools/check.py --lint

format: setup ## format the code and repair what ruff can repair
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

clean: ## remove caches and runs, and say how much
	@$(SYSTEM_PYTHON) tools/clean.py
