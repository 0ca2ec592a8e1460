# Everything starts here: `make demo` and `make test` install what they need on the first run and work offline after it.
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SAM_CLI_TELEMETRY := 0

.PHONY: demo test unit system lint faults mutation bench lock setup clean

demo: setup
	python -m local_aws.demo

test: lint unit system

unit: setup
	python -m pytest tests/unit -q -n 2

system: setup
	python -m pytest tests/local_aws tests/system -q -n 2

faults: setup
	python -m pytest tests/unit/test_every_call.py -q -n 2 --all-faults
	python -m faults

mutation: .venv-mutation/ready
	.venv-mutation/bin/mutmut run
	.venv-mutation/bin/mutmut export-cicd-stats
	cat mutants/mutmut-cicd-stats.json

bench: setup .venv-bench/ready
	python -m benchmarks

lint: setup
	ruff check .
	ruff format --check .
	mypy
	cfn-lint template.yaml accounts/*.yaml examples/*.yaml
	sam validate --lint --template template.yaml

setup: .venv/ready .venv-cloud/ready .cache/wheels/ready

.venv/ready: requirements/dev.txt src/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/python3") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	touch $@

.venv-cloud/ready: requirements/cloud.txt
	$(PYTHON) -m venv .venv-cloud
	.venv-cloud/bin/pip install --quiet --no-deps --require-hashes -r requirements/cloud.txt
	touch $@

.venv-mutation/ready: requirements/mutation.txt
	$(PYTHON) -m venv .venv-mutation
	.venv-mutation/bin/pip install --quiet --no-deps --require-hashes -r requirements/mutation.txt
	touch $@

.venv-bench/ready: requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --no-deps --require-hashes -r requirements/bench.txt
	touch $@

.cache/wheels/ready: src/requirements.txt .venv/ready
	.venv/bin/pip download --quiet --no-deps --require-hashes --only-binary=:all: --dest .cache/wheels -r src/requirements.txt
	touch $@

lock: .venv/ready
	.venv/bin/pip install --quiet uv
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url dev.in -o dev.txt
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url cloud.in -o cloud.txt
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url mutation.in -o mutation.txt
	cd requirements && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url bench.in -o bench.txt
	cd src && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url requirements.in -o requirements.txt

clean:
	rm -rf .venv .venv-bench .venv-cloud .venv-mutation .cache mutants .aws-sam build
