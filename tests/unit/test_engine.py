"""The engine is the one asked for, or the fastest installed; both have the same interface."""

import ast
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_type_hints

import pytest

import retally_reference.engine as reference
from retally_crypto.engine import Engine, Records, choose_engine, engine, load_engine, records
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


def test_a_native_engine_that_does_not_load_is_never_silently_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "retally_native.py").write_text("raise ImportError('built for another Python')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "retally_native", raising=False)
    for name in (None, "native"):
        with pytest.raises(Unusable, match="cannot be loaded: built for another Python"):
            load_engine(name)


def test_an_engine_that_lacks_something_else_is_not_said_to_be_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "retally_native.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "retally_native", raising=False)
    with pytest.raises(Unusable, match="no_such_module_anywhere"):
        load_engine(None)


@pytest.mark.usefixtures("without_native")
def test_without_any_engine_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "retally_reference.engine", None)
    with pytest.raises(Unusable, match="no engine is installed"):
        load_engine(None)


def test_the_choice_outlasts_whoever_asked_before_it() -> None:
    before = engine.NAME
    try:
        choose_engine("reference")
        assert (engine.NAME, records.merkle_root) == ("reference", reference.merkle_root)
    finally:
        choose_engine(before)
    assert before == engine.NAME


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
    assert list(inspect.signature(function).parameters) == list(typed(declared(name)))[:-1]


# What crypto/native/retally_native.pyi promises: the interface, and the counter that the native engine has besides.
STUB = ast.parse((Path(__file__).parents[2] / "crypto/native/retally_native.pyi").read_text())
STUBS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
NOT_OF_THE_INTERFACE = {"operations"}


def declared(name: str) -> Callable[..., object]:
    """The function as one of the two interfaces declares it."""
    function: Callable[..., object] = getattr(Engine if hasattr(Engine, name) else Records, name)
    return function


def typed(function: Callable[..., object]) -> dict[str, object]:
    """The types of parameters, in order, and of `return`."""
    hints = get_type_hints(function)
    return {
        **{name: hints[name] for name in inspect.signature(function).parameters if name in hints},
        "return": hints["return"],
    }


def stub(name: str) -> dict[str, object]:
    """The same of a function of the stub file; annotations are those of `typing` and builtins."""
    arguments = STUBS[name].args
    assert [*arguments.posonlyargs, *arguments.kwonlyargs, *arguments.defaults] == [], name
    annotated = [*((one.arg, one.annotation) for one in arguments.args), ("return", STUBS[name].returns)]
    return {name: eval(ast.unparse(node), {"Sequence": Sequence}) for name, node in annotated if node is not None}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stub_of_the_native_engine_has_the_interfaces_parameters_and_types(name: str) -> None:
    assert list(stub(name).items()) == list(typed(declared(name)).items())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_engine_has_the_interfaces_types(name: str) -> None:
    theirs, ours = typed(getattr(reference, name)), typed(declared(name))
    assert {one: expanded(of) for one, of in theirs.items()} == {one: expanded(of) for one, of in ours.items()}


def expanded(annotation: object) -> str:
    """An annotation without names for parts of it; which order a union is written in does not matter."""
    return repr(annotation).replace("int | bytes", "bytes | int")


def test_the_stub_has_what_the_native_engine_exports_and_nothing_else() -> None:
    native = pytest.importorskip("retally_native", reason="the native engine is not installed")
    exported = {name for name in dir(native) if name[0] != "_" and callable(getattr(native, name))}
    assert exported == set(STUBS) == {*FUNCTIONS, *NOT_OF_THE_INTERFACE}
    for name in exported:
        assert list(inspect.signature(getattr(native, name)).parameters) == list(stub(name))[:-1], name


def test_the_engine_in_use_says_what_it_is() -> None:
    assert engine.NAME in ("native", "reference")
    assert engine.VERSION
    assert len(FUNCTIONS) == 23
