# Two commands for a newcomer: `make demo` and `make test`. Everything else is listed by `make help`.

PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8080
BIN    := $(VENV)/bin
STEP   := scripts/step

.DEFAULT_GOAL := help
.PHONY: help demo sandbox test check docs docs-build drill hapi-check image-check wheel-check safety-report format lock bench bench-quick bench-more clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed ## start the service, fire a shipped request at it, show the cards
	@$(BIN)/cdshooks demo --port $(PORT)

sandbox: $(VENV)/.installed ## the service without tokens, and a FHIR server that holds every story
	@$(BIN)/python scripts/sandbox.py --port $(PORT)

test: $(VENV)/.installed-dev ## format, lint, types, imports, knowledge, tests with branch coverage
	@$(STEP) "Format"            $(BIN)/ruff format --check .
	@$(STEP) "Lint"              $(BIN)/ruff check .
	@$(STEP) "Types (strict)"    $(BIN)/mypy
	@$(STEP) "Import contracts"  $(BIN)/lint-imports
	@$(STEP) "Knowledge"         $(BIN)/cdshooks knowledge check
	@$(STEP) --show "Tests"      $(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered --cov-fail-under=85
	@$(STEP) "Branches: lines"      $(BIN)/coverage report --include='cdshooks/lines/*' --fail-under=98
	@$(STEP) "Branches: options"    $(BIN)/coverage report --include='cdshooks/options/*' --fail-under=96
	@$(STEP) "Branches: who, whose" $(BIN)/coverage report --include='cdshooks/partial_date.py,cdshooks/ehr/patient_identity.py,cdshooks/web/callers.py' --fail-under=99

check: test ## the same as test

format: $(VENV)/.installed-dev ## put the code in form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev ## what a call costs, step by step and over HTTP, and how drug names are found; writes bench.json
	@$(BIN)/python benchmarks/speed.py
	@$(BIN)/python benchmarks/drug_names.py

bench-quick: $(VENV)/.installed-dev ## the same in half a minute on a quiet machine, without the largest patients
	@$(BIN)/python benchmarks/speed.py --quick

bench-more: $(VENV)/.installed-dev ## lines, options, trials and the page by themselves, against their own aims; accuracy of lines
	@for one in lines options trials page line_accuracy; do echo "== $$one"; $(BIN)/python benchmarks/$$one.py; done

docs: $(VENV)/.installed-dev ## the documentation site on http://127.0.0.1:8000
	@$(BIN)/python scripts/docs_site.py serve

docs-build: $(VENV)/.installed-dev ## build the documentation site into build/documentation, refusing broken links
	@$(STEP) "Documentation"     $(BIN)/python scripts/docs_site.py build

drill: $(VENV)/.installed-dev ## break a running service in bounded ways; one line of figures each
	@$(BIN)/pytest -m drill tests/drills

hapi-check: $(VENV)/.installed-dev build/hapi.classpath ## the same cards out of a real FHIR server (a JDK of 17 or later, Maven)
	@$(STEP) --show "HAPI FHIR" $(BIN)/pytest -m hapi tests/fetching/test_hapi.py

image-check: $(VENV)/.installed-dev ## build the image and run it hardened, without a container engine (root, Debian)
	@$(BIN)/python scripts/image_check.py

wheel-check: $(VENV)/.installed-dev ## the wheel in an empty environment, hash-locked, run by a user who can write none of it
	@$(BIN)/python scripts/wheel_check.py

safety-report: $(VENV)/.installed-dev ## all tests, and build/safety-report.md: hazards, requirements, anomalies, knowledge
	@mkdir -p build
	@-$(BIN)/pytest -n 2 -q --junitxml=build/test-results.xml
	@$(BIN)/python -m scripts.safety_report build/test-results.xml build/safety-report.md

lock: $(VENV)/.installed-dev ## write the hash-locked requirements anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --group pyproject.toml:image -o requirements-image.txt

clean: ## remove what the build made
	@rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis

build/hapi.classpath: tests/hapi/pom.xml
	@mkdir -p build
	@$(STEP) "HAPI FHIR (from Maven)" mvn --quiet --batch-mode --strict-checksums --file tests/hapi/pom.xml \
	  dependency:build-classpath -Dmdep.outputFile=$(CURDIR)/$@

# --no-deps: the lock is complete, and an older pip (23.2, as CPython 3.11.7 brings it) looks past it for extras such as
# coverage[toml] as soon as a newer release is out, then refuses that release for its missing hash.
$(VENV)/.python:
	@scripts/check-python $(PYTHON)
	@$(STEP) "Virtual environment" $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python requirements.txt pyproject.toml
	@$(STEP) "Dependencies (hash-locked)" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(STEP) "cdshooks" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(STEP) "Development tools (hash-locked)" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
