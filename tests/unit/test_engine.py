"""The engine is the one asked for, or the fastest installed; both have the same interface."""

import importlib
import inspect
import os
import subprocess
import sys

import pytest

import retally_reference.engine as reference
from retally_crypto.engine import Engine, Records, engine, load_engine
from retally_crypto.errors import Unusable

FUNCTIONS = sorted(
    name
    for name, member in (*vars(Engine).items(), *vars(Records).items())
    if inspect.isfunction(member) and name[0] != "_"
)


@pytest.fixture
def without_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "retally_native", None)


def test_reference_is_what_is_asked_for() -> None:
    assert load_engine("reference").prove == reference.prove
    assert load_engine("reference").NAME == reference.NAME == "reference"


@pytest.mark.usefixtures("without_native")
def test_without_native_the_reference_serves() -> None:
    assert load_engine(None).NAME == "reference"


@pytest.mark.usefixtures("without_native")
def test_native_is_never_silently_replaced() -> None:
    with pytest.raises(Unusable, match="retally-native is not installed"):
        load_engine("native")


def test_native_is_taken_where_it_is_installed() -> None:
    pytest.importorskip("retally_native", reason="the native engine is not installed")
    assert load_engine(None).NAME == load_engine("native").NAME == "native"


@pytest.mark.parametrize("name", ["Native", "fast", "", " "])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(Unusable, match="native or reference"):
        load_engine(name)


@pytest.mark.parametrize(("setting", "answer"), [("reference", "reference engine"), ("other", "native or reference")])
def test_the_environment_decides_for_a_command(setting: str, answer: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "retally_client.cli", "--version"],
        env={**os.environ, "RETALLY_ENGINE": setting},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer in finished.stdout + finished.stderr
    assert (finished.returncode == 0) == (setting == "reference")


def test_importing_the_protocol_asks_no_environment() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", "from retally_crypto.engine import engine; print(engine.NAME)"],
        env={**os.environ, "RETALLY_ENGINE": "other"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout.strip() == load_engine(None).NAME


@pytest.mark.parametrize("module", ["retally_reference.engine", "retally_native"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_engines_have_every_function_with_these_parameters(module: str, name: str) -> None:
    if module == "retally_native":
        pytest.importorskip(module, reason="the native engine is not installed")
    function = getattr(importlib.import_module(module), name)
    expected = list(inspect.signature(getattr(Engine if hasattr(Engine, name) else Records, name)).parameters)[1:]
    assert list(inspect.signature(function).parameters) == expected


def test_the_engine_in_use_says_what_it_is() -> None:
    assert engine.NAME in ("native", "reference")
    assert engine.VERSION
    assert len(FUNCTIONS) == 23
