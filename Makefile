# make            lists what there is to make
# Everything is set up by itself, by the first Python of these that is 3.11 or newer; another: make PYTHON=… TARGET
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; exit; fi; done; echo python3)
RUN := .venv/bin/python
# Several processes share the tests, those of a file stay together; tests/conftest.py says how many, and which come first.
SHARED := --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

# Handed to the recipe through the environment, and unexpanded: a path may hold blanks, quotes and dollar signs.
export VIDEO_PATH := $(value VIDEO)
export LOCAL_SETTINGS := $(value SETTINGS)

.PHONY: help setup local test quick lock sbom check posters bench load screenshot fuzz clean
.DEFAULT_GOAL := help

help: ## this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST))
	@echo "for make local:"
	@echo "  VIDEO=path           a video, or a folder of them, instead of the samples"
	@echo "  SETTINGS='k=v k=v'   settings of Pulumi.yaml, such as: widths=[640,320] format=webp"
	@echo "  RUNTIME=processes    serve the function by processes, or RUNTIME=docker by the built image"
	@echo "  PORT=4566            the port of the emulated AWS"
	@echo "  ONCE=1               end after the table instead of watching"

setup: ## virtual environments and emulators; the others do it by themselves
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) was not found: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: Python %d.%d is too old: install Python \
	3.11 or newer, or name one: make PYTHON=python3.13 …" % sys.version_info[:2])'
	@exec $(PYTHON) local/setup.py

local: setup ## the whole service on this machine, with sample videos; Ctrl-C ends it
	@exec $(RUN) -m local $(if $(VIDEO_PATH),--video "$$VIDEO_PATH") $(if $(LOCAL_SETTINGS),--settings "$$LOCAL_SETTINGS") \
		$(if $(RUNTIME),--runtime "$(RUNTIME)") $(if $(PORT),--port "$(PORT)") $(if $(ONCE),--once)

test: setup ## all tests that this machine can run
	@status=0; $(RUN) -m pytest $(SHARED) || status=$$?; \
	docker info >/dev/null 2>&1 || echo "Skipped for want of a Docker engine: the tests of the built image (marked docker)."; \
	$(RUN) -m tests.engine.at_hand || echo "Skipped for want of Pulumi and its plugins: the programs in other languages (tests/engine)."; \
	exit $$status

quick: setup ## the tests that take no minute: parts by themselves, the graph, the rules
	@exec $(RUN) -m pytest $(SHARED) tests/unit tests/infrastructure tests/policy

lock: setup ## all locked requirements anew from the .in files beside them; what is locked stays as far as it may
	@set -e; \
	lock() { folder=$$1 python=$$2 file=$$3; shift 3; (cd "$$folder" && "$$OLDPWD/.venv/bin/uv" pip compile --quiet --universal \
		--python-version "$$python" --generate-hashes --no-header --output-file "$$file.txt" "$$file.in" "$$@"); }; \
	lock docker-ffmpeg-thumb 3.13 requirements; \
	lock . 3.11 requirements-dev requirements.in docker-ffmpeg-thumb/requirements.in -c docker-ffmpeg-thumb/requirements.txt; \
	lock . 3.11 requirements -c requirements-dev.txt; \
	lock policy 3.11 requirements -c ../requirements-dev.txt; \
	lock operate 3.11 requirements -c ../requirements-dev.txt; \
	lock local 3.11 requirements-emulator; \
	lock . 3.11 requirements-bench

sbom: setup ## what the image holds, in CycloneDX's form: .local/sbom.cdx.json
	@exec $(RUN) -m local.sbom .local/sbom.cdx.json

check: setup ## format, lint, types, workflows, Dockerfile
	@set -ex; \
	$(RUN) -m ruff format --check .; \
	$(RUN) -m ruff check .; \
	$(RUN) -m mypy thumbnailer component local operate standin_s3 tests __main__.py .github/runner.py $(wildcard benchmarks); \
	(cd docker-ffmpeg-thumb && ../$(RUN) -m mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/image .); \
	(cd policy && ../$(RUN) -m mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache/policy .); \
	$(RUN) -m tests.policy.audit; \
	.venv/bin/zizmor --offline --no-progress .github; \
	.venv/bin/hadolint docker-ffmpeg-thumb/Dockerfile

posters: setup ## which frame is taken, beside what others take; VIDEO=path cuts some of its scenes out of a real video
	@exec $(RUN) -m benchmarks.posters $(if $(VIDEO_PATH),--video "$$VIDEO_PATH")

bench: setup ## figures side by side
	@exec $(RUN) -m benchmarks

load: setup ## 2,000 uploads at once, with faults and hostile files: what becomes of each
	@exec $(RUN) -m benchmarks.load

screenshot: setup ## the picture of the local page that the README shows
	@exec $(RUN) -m local.screenshot

fuzz: setup ## mutants of videos through the function: make fuzz MUTANTS=20000 SECONDS=3600
	@exec $(RUN) -m tests.hostile.fuzz --mutants "$(or $(MUTANTS),20000)" --seconds "$(or $(SECONDS),3600)" \
		--start "$(or $(START),0)"

clean: ## removes all that was set up and made
	rm -rf .venv policy/.venv component/.venv .local .mypy_cache .ruff_cache .pytest_cache docker-ffmpeg-thumb/.mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
