# Everything sets itself up; the only prerequisite is Python 3.13.
.DEFAULT_GOAL := help
.PHONY: help setup demo run test check infra-check format bench bench-polling bench-capacity lock clean

PYTHON := .venv/bin/python
OPENAI_2 := .venv/openai-2
TEMPLATES := infra/main.bicep infra/event-subscriptions.bicep
BICEP_CHECK := ../shared/tools/bicep_check
BICEP_PARSER := .venv/bicep-parser
IN_PARALLEL := -n 3 --dist loadfile

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: ## install what the rest needs (each target does so by itself)
	@local/setup.sh

demo: setup ## one video from a prompt: PROMPT="…" SECONDS=4 SIZE=1280x720 MODEL=sora-2
	@$(PYTHON) -m local.demo

run: setup ## the whole stack on this machine, until Ctrl-C: PORT=7071
	@$(PYTHON) -m local.stack

test: check $(OPENAI_2)/installed ## the checks, then all tests, then those of the clients with openai 2.x
	$(PYTHON) -m pytest $(IN_PARALLEL)
	PYTHONPATH=$(CURDIR)/$(OPENAI_2) $(PYTHON) -m pytest $(IN_PARALLEL) tests/contract

# The two majors of the client cannot live in one environment, so the older one comes first on the path of a second run.
$(OPENAI_2)/installed: tests/contract/openai-2.txt | setup
	rm -rf $(OPENAI_2)
	$(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps --target $(OPENAI_2) -r $<
	@touch $@

check: setup ## lint, types, architecture
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	.venv/bin/basedpyright
	.venv/bin/lint-imports

# The linter's warnings fail as errors do; the compiler's (BCP…) do not, for an older one lacks types that there are.
infra-check: setup ## the infrastructure: compiled where there is bicep or az, types checked where there are tables of them
	@if command -v bicep >/dev/null; then set -- bicep; \
	elif az bicep version >/dev/null 2>&1; then set -- 'az bicep' --file; \
	else echo 'infra-check: neither bicep nor az is here, so nothing was compiled' && exit; fi; \
	for template in $(TEMPLATES); do \
	    $$1 build $$2 $$template --stdout >/dev/null && $$1 lint $$2 $$template || exit; \
	    ! $$1 lint $$2 $$template 2>&1 | grep -q ' : Warning [a-z]' || exit 1; \
	done
	@[ -d $(BICEP_CHECK) ] || { echo 'infra-check: $(BICEP_CHECK) is not here, so no types were checked' && exit; }; \
	[ -d $(BICEP_PARSER) ] || $(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps \
	    --target $(BICEP_PARSER) -r $(BICEP_CHECK)/requirements.txt && \
	PYTHONPATH=$(BICEP_PARSER) $(PYTHON) $(BICEP_CHECK)/bicep_check.py --strict infra

bench: setup ## speed and size of the whole stack, in one table: ROWS="create status" for some
	@$(PYTHON) -m benchmarks $(ROWS)

bench-polling: setup ## how late a render's end is noticed, and at how many checks
	@$(PYTHON) -m benchmarks.polling

bench-capacity: setup ## five hundred videos over four deployments, simulated and for real: ROWS="simulation stack"
	@$(PYTHON) -m benchmarks.capacity $(ROWS)

format: setup ## rewrite the code in the house format
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

lock: setup ## compile requirements*.in into exact pins
	.venv/bin/uv pip compile -q --no-header --no-annotate --python-version 3.13 requirements.in -o requirements.txt
	.venv/bin/uv pip compile -q --no-header --no-annotate --python-version 3.13 requirements-dev.in -o requirements-dev.txt

clean: ## remove everything that is not in git
	rm -rf .venv .local out
