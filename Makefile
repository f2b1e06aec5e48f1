# Two commands matter: `make concert` performs, `make test` checks. Both set everything up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help setup soundfont concert play test lint models pictures clean

help:
	@echo "make concert   set up and perform a concert to out/concert/"
	@echo "make play      set up and open the studio"
	@echo "make test      set up and run the tests"
	@echo "make lint      style, types and import rules"
	@echo "make models    rebuild the 3-D models (needs Python 3.11 for Blender's module)"

setup: $(STAMP) soundfont

$(STAMP): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tutti needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment: install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "Installing packages (a few minutes the first time) …"
	@$(BIN)/python tools/install_torch.py
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# The best free SoundFont is a Debian package; without it Tutti plays its own synthesised instruments.
soundfont:
	@sh tools/install_soundfont.sh

concert: setup
	@$(BIN)/tutti concert --out out/concert

play: setup
	@$(BIN)/tutti play

test: setup
	@$(BIN)/python -m pytest -n auto --dist loadfile -m 'not realtime'
	@$(BIN)/python -m pytest -m realtime
	@$(MAKE) --no-print-directory lint

lint: $(STAMP)
	@mkdir -p build/typing && ln -sfn ../.. build/typing/tutti
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy -p tutti.engine -p tutti.models -p tutti.scenes -p tutti.studio -p tutti.assets
	@$(BIN)/lint-imports

models: $(STAMP)
	@$(BIN)/python -m pip install --quiet '.[models3d]'
	@$(BIN)/python assets/build/build_players.py assets/models
	@$(BIN)/python assets/build/build_hall.py build/models
	@for hall in cathedral chamber-room open-air studio vineyard; do $(BIN)/python assets/build/build_hall.py build/models --hall $$hall --light 512 || exit 1; done
	@cp build/models/*.glb assets/models/halls/

# The pictures of README and docs, made from today's program.
pictures: setup
	@$(BIN)/python tools/make_pictures.py

clean:
	rm -rf $(VENV) build dist *.egg-info studio/web/dist studio/web/node_modules out
