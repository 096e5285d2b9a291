# A fresh machine needs two commands: make demo, make test. They ask for Python 3.11 to 3.13 with its venv module.
.DEFAULT_GOAL := help

APPS := .venv/bin/python
TRAIN := .venv-train/bin/python
PACKAGES := shared services apps deploy training

# As they were typed: a folder may be called "50$ Songs", and Make would read the dollar sign as its own.
override MUSIC := $(value MUSIC)
override MANIFEST := $(value MANIFEST)
export MUSIC MANIFEST

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Install, then recommend from MUSIC=FOLDER, else from the small catalogue that Tunekin composes
	@locks/install .venv apps dev
	@case "$$MUSIC" in '~' | '~/'*) MUSIC="$$HOME$${MUSIC#'~'}" ;; esac; \
	exec $(APPS) -m tunekin_demo $${MUSIC:+--music "$$MUSIC"}

.PHONY: stack
stack: ## Install, then run Kafka, MariaDB, Redis and all workers below .stack; loads MUSIC=FOLDER, else composed music
	@locks/ask 'locks/install .venv apps dev' deploy/native/install
	@case "$$MUSIC" in '~' | '~/'*) MUSIC="$$HOME$${MUSIC#'~'}" ;; esac; \
	exec $(APPS) -m tunekin_native start $${MUSIC:+--music "$$MUSIC"}

.PHONY: stack-stop
stack-stop: ## End what make stack started; what it holds stays
	@$(APPS) -m tunekin_native stop

.PHONY: test
test: ## List and install what the tests need, then run every check and every test
	@locks/ask 'locks/install .venv dev' deploy/native/install
	@$(MAKE) --no-print-directory check
	$(APPS) -m pytest -n logical --maxprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: soak
soak: ## Run the tests that take hours: everything killed during a whole load, very many tracks
	@locks/ask 'locks/install .venv dev' deploy/native/install
	$(APPS) -m pytest tests/soak $(ARGS)

.PHONY: check
check: ## Check style, types, docstrings and import walls; never changes a file
	@locks/install .venv dev
	$(APPS) -m ruff check
	$(APPS) -m ruff format --check
	$(APPS) -m mypy
	@echo "$(APPS) -m numpydoc lint [every module]"
	@find $(PACKAGES) -name '*.py' -exec $(APPS) -m numpydoc lint {} +
	.venv/bin/lint-imports

.PHONY: fix
fix: ## Mend what Ruff can mend, and format
	@locks/install .venv dev
	$(APPS) -m ruff check --fix
	$(APPS) -m ruff format

# One version of a package for every Python, so that a figure means the same on each.
COMPILE = .venv/bin/uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(ARGS) pyproject.toml

.PHONY: lock
lock: ## Bring locks/ in line with pyproject.toml; ARGS=--upgrade takes newer versions
	@locks/install .venv dev
	$(COMPILE) --extra dev -o locks/dev.txt
	echo hatchling | $(COMPILE) - --extra apps -c locks/dev.txt -o locks/apps.txt
	cat locks/train.txt locks/torch.txt >locks/all.tmp
	$(COMPILE) --extra dev --extra train -c locks/dev.txt -o locks/all.tmp
	awk '/^[a-z]/ { lock = /^(torch==|triton==|nvidia-|cuda-)/ ? "torch" : "train" } \
		{ print >("locks/" lock ".txt") }' locks/all.tmp
	rm locks/all.tmp

bench-%: ## Run one benchmark: its table here, its figures in benchmarks/out
	@locks/install .venv dev
	$(APPS) -m benchmarks.$(subst -,_,$*) $(ARGS)

.PHONY: bench-quality
bench-quality:
	@locks/install .venv dev
	$(APPS) -m benchmarks.quality $${MANIFEST:+--manifest "$$MANIFEST"} $(ARGS)

.PHONY: bench-taste
bench-taste:
	@locks/install .venv dev
	$(APPS) -m benchmarks.taste $${MANIFEST:+--manifest "$$MANIFEST"} $(ARGS)

.PHONY: bench-training
bench-training:
	@locks/install .venv-train train
	$(TRAIN) -m benchmarks.training $${MANIFEST:+--manifest "$$MANIFEST"} $(ARGS)

.PHONY: bench-contrast
bench-contrast:
	@locks/install .venv-train train
	$(TRAIN) -m benchmarks.contrast $${MANIFEST:+--manifest "$$MANIFEST"} $(ARGS)

.PHONY: train
train: ## Install PyTorch too, then run tunekin train ARGS
	@locks/install .venv-train train
	.venv-train/bin/tunekin train $(ARGS)

.PHONY: test-train
test-train: ## Run the tests of the training, which need PyTorch
	@locks/install .venv-train train
	$(TRAIN) -m pytest tests/training training $(ARGS)

.PHONY: clean
clean: ## Remove caches, build results and the demo's state; environments stay
	rm -rf .demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache benchmarks/out dist
	find $(PACKAGES) benchmarks tests -name __pycache__ -prune -exec rm -rf {} +
