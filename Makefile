# Plain make: works with GNU make 3.81 and newer, and with BSD make.
# SPEED, TRACE, BROKER, SEED, SOURCE, NOISE and ARGS reach the recipes as environment variables.

PYTHON = python3
RUN = .venv/bin
UV = uv==0.13.8

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv/ and .build/; other targets do it when needed (PYTHON=python3.12)
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	    echo "set-up failed: there is no $(PYTHON) on PATH: install Python 3.10 or newer" >&2; \
	    exit 1; }
	@$(PYTHON) tools/setup_environment.py

demo: setup ## a charger through an outage and a power cut (SPEED= TRACE= BROKER= SEED= SOURCE= NOISE=)
	@exec $(RUN)/tidegate demo $${SPEED:+--speed "$$SPEED"} $${TRACE:+--trace "$$TRACE"} \
	    $${BROKER:+--broker "$$BROKER"} $${SEED:+--seed "$$SEED"} \
	    $${SOURCE:+--source "$$SOURCE"} $${NOISE:+--noise "$$NOISE"}

test: setup ## every test but the long ones, three at a time, since many wait (WORKERS=1 ARGS="-k spool")
	@$(RUN)/python -m pytest -n $${WORKERS:-3} -m "not long" $${ARGS:-}

long: setup ## the tests that take longer
	@$(RUN)/python -m pytest -m long --hypothesis-profile long $${ARGS:-}

crash: setup ## a million power cuts on two cores (ARGS="--count 1000")
	@$(RUN)/python host_tests/crash/run.py --jobs 2 $${ARGS:-}

bench: setup ## every figure with its bounds; some minutes (TRACE= ARGS="--json")
	@$(RUN)/tidegate bench all $${TRACE:+--trace "$$TRACE"} $${ARGS:-}

surge: setup ## 50 agents come back with full flash; 5 min (ARGS="--plot surge.png")
	@exec $(RUN)/tidegate surge $${ARGS:-}

rehearse: setup ## 100 agents through the March incident, and a rival; 8 min (ARGS="--plot march.png")
	@exec $(RUN)/tidegate rehearse --rival $${ARGS:-}

soak: setup ## 30 days of one device with all that goes wrong; 10 min (ARGS="--days 2 --seed 7")
	@$(RUN)/python host_tests/simulation/run.py $${ARGS:-}

docs: setup ## make docs/configuration.md and docs/console.md anew from the device's tables
	@$(RUN)/tidegate config reference > docs/configuration.md
	@$(RUN)/python -m tidegate_tools.console_docs > docs/console.md

console: setup ## the console of a device that runs for this; its PIN is 1234 (ARGS="--run status")
	@exec $(RUN)/tidegate console --demo $${ARGS:-}

lint: setup ## ruff over everything
	@$(RUN)/ruff check .

mosquitto: ## install the mosquitto broker for the interop tests, or say how
	@sh tools/get_mosquitto.sh

lock: ## pin the dependencies of pyproject.toml with hashes (UPGRADE=1: the newest of each)
	@sh tools/lock_dependencies.sh "$(PYTHON)" "$(UV)"

clean: ## remove all that set-up and runs have made
	@rm -rf .venv .build build tools/*.egg-info .hypothesis .pytest_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo test long crash bench surge rehearse soak console docs lint mosquitto lock clean
