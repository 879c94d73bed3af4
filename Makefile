# `make` alone lists the targets. Every target that needs packages builds .venv first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
INSTALLED := .venv/.installed
# Stages are started by dvc as `python -m avfake.stages.NAME`: that python has to be the environment's.
export PATH := $(CURDIR)/$(BIN):$(PATH)
TESTS ?= tests/unit tests/project tests/stages tests/bad_input tests/service tests/dag

.PHONY: help setup repro test browser serve lint bench lock baseline figures examples clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(INSTALLED): requirements.lock requirements-uv.lock pyproject.toml scripts/setup.sh
	scripts/setup.sh

setup: $(INSTALLED) ## build .venv from requirements.lock (the others do it by themselves)

repro: setup ## run what is out of date in the pipeline, then print the figures
	@$(BIN)/python scripts/mend_lock.py dvc.lock data/dvc.lock .dvc/tmp/rwlock
	$(BIN)/dvc repro
	$(BIN)/dvc metrics show metrics/evaluate.json metrics/evaluate_test.json

test: setup ## all tests; TESTS=tests/unit for the quick ones
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)

browser: setup ## the page in Debian's Chromium, which has to be installed; after `make repro`
	$(BIN)/python -m pytest tests/browser

serve: setup ## the service and its page at http://127.0.0.1:8000
	$(BIN)/avfake serve

# --no-cache: its cache does not see that a module moved, by which imports are sorted.
lint: setup ## style, format and types
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## speed against the reference recipe, as ratios
	$(BIN)/python -m benchmarks

figures: setup ## write the README's figures and pictures from metrics/
	$(BIN)/python scripts/readme_figures.py

examples: setup ## write the tools' table in docs/forge.md and an example of each
	$(BIN)/python scripts/forge_page.py

# requirements-run.lock: the same versions with the extra `serve` alone, for the image. Without --upgrade: versions stay
# unless pyproject.toml rules them out; `make lock UPGRADE=--upgrade` takes the newest.
LOCK := uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"

lock: setup ## resolve pyproject.toml into the lock files; UPGRADE=--upgrade for the newest versions
	$(BIN)/$(LOCK) $(UPGRADE) --all-extras pyproject.toml -o requirements.lock
	$(BIN)/$(LOCK) -c requirements.lock --extra serve pyproject.toml -o requirements-run.lock

baseline: setup ## the contest's baseline recipe as a DVC experiment, to compare with
	$(BIN)/dvc exp run --temp --name baseline \
		-S 'featurize.front_end=[baseline_image]' \
		-S train.backbone=resnet18 -S train.pretrained=none \
		-S 'train.readout.stages=[]' -S train.pooling=mean -S train.frozen_head=none \
		-S train.selection=validation -S train.balance=none \
		-S train.augmentation.flip_time=true -S train.augmentation.flip_frequency=true \
		-S train.windows_per_clip=1 \
		-S train.lr=0.003 -S train.lr_step=4 -S train.lr_gamma=0.85 -S train.batch_size=40 -S train.epochs=10 \
		-S predict.tta=4

clean: ## remove tool caches and the memo; data, models and .venv stay
	rm -rf .memo .pytest_cache .mypy_cache .ruff_cache build src/*.egg-info
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
