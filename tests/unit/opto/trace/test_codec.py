"""Saving and loading: parameters by their paths, traces by their nodes; nothing that runs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opto.trace import ExecutionError, bundle, model, node, stop_tracing
from opto.trace.bundle import FunModule
from opto.trace.codec import load_graph, save_graph
from opto.trace.containers import Map, Seq
from opto.trace.draw import draw
from opto.trace.errors import TraceError
from opto.trace.modules import Module
from opto.trace.nodes import MessageNode, Node, ParameterNode
from opto.trace.propagators import TraceGraph
from opto.trace.subgraph import ancestors
from opto.trace.values import DEEPEST, Opaque, decode, encode


@model
class Agent:
    """Two values and two functions to train."""

    def __init__(self) -> None:
        self.tone = node("kind", trainable=True, description="one word")
        self.limit = node(3, trainable=True)

    @bundle(trainable=True)
    def greet(self, name: str) -> str:
        """Greet."""
        return f"Hello, {name}"

    @bundle(trainable=True)
    def part(self, name: str) -> str:
        """Say goodbye."""
        return f"Bye, {name}"


class Holder(Module[..., Any]):
    """Parts of any kind."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def holder(value: Any) -> Holder:
    return Holder(x=ParameterNode(value, name="x"))


def test_a_trained_agent_comes_back_as_it_was(tmp_path: Path) -> None:
    trained, fresh = Agent(), Agent()
    trained.tone._data = "loud"
    trained.limit._data = 2.5
    code = 'def greet(self, name):\n    """Greet."""\n    return f"Hola, {name}"'
    trained.greet.parameter._data = code

    trained.save(tmp_path / "agent.json")
    fresh.load(tmp_path / "agent.json")

    assert fresh.tone.data == "loud"
    assert fresh.limit.data == 2.5
    assert fresh.greet.parameter.data == code
    assert fresh.part.parameter.data == Agent().part.parameter.data
    found = json.loads((tmp_path / "agent.json").read_text(encoding="utf-8"))
    assert list(found["parameters"]) == ["tone", "limit", "greet.parameter", "part.parameter"]
    assert found["parameters"]["tone"] == {"value": "loud", "constraint": "one word"}


def test_a_function_saves_its_own_code(tmp_path: Path) -> None:
    @bundle(trainable=True)
    def double(x: int) -> int:
        return 2 * x

    assert isinstance(double, FunModule)
    double.save(tmp_path / "double.json")
    before = double.parameter.data
    double.parameter._data = "def double(x):\n    return 3 * x"

    double.load(tmp_path / "double.json")

    assert double.parameter.data == before


def test_parts_of_any_kind_have_a_path_of_their_own(tmp_path: Path) -> None:
    shared = ParameterNode("shared", name="shared")
    key = ParameterNode("k", name="key")

    def made() -> Holder:
        loop = Holder(deep=Seq([ParameterNode(1), Map({"a.b": ParameterNode(2), "a": shared})]))
        loop.me = loop
        loop.again = shared
        loop.frozen = ParameterNode(5, trainable=False)
        loop.keyed = Map({key: ParameterNode(6)})
        return loop

    whole = made()
    whole.save(tmp_path / "whole.json")
    other = made()
    for parameter in other.parameters():
        parameter._data = type(parameter.data)()
    other.frozen._data = 0

    other.load(tmp_path / "whole.json")

    assert [p.data for p in other.parameters()] == [p.data for p in whole.parameters()]
    assert other.frozen.data == 5
    entries = json.loads((tmp_path / "whole.json").read_text(encoding="utf-8"))["parameters"]
    assert set(entries) == {
        "again", "deep.0", "deep.1.a..b", "frozen", "keyed.key #0", "keyed.item #0"
    }  # fmt: skip


def test_two_parameters_of_one_name_are_refused_not_dropped(tmp_path: Path) -> None:
    both = Map({1: ParameterNode("number"), "1": ParameterNode("text")})

    with pytest.raises(TraceError, match="has the name of another parameter"):
        both.save(tmp_path / "both.json")

    assert not list(tmp_path.iterdir())


VALUES = [
    None, True, 0, -(16**5000), 1.5, -0.0, 1e308, "ünï\n\x00", "\ud83d" + "\ude00", b"\x00\xff",
    [1, [2.0, (3,)]], (), {1, (2,)}, frozenset({(1, 2)}), {1: "a", (2,): {None: b""}},
    {"type": "set"},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}")
def test_every_kind_of_value_comes_back_of_its_own_type(tmp_path: Path, value: Any) -> None:
    holder(value).save(tmp_path / "x.json")
    other = holder(None)

    other.load(tmp_path / "x.json")

    assert other.x.data == value
    assert type(other.x.data) is type(value)
    assert isinstance(value, int) or repr(other.x.data) == repr(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_lacks_come_back(tmp_path: Path, number: float) -> None:
    holder([number]).save(tmp_path / "x.json")
    other = holder([])

    other.load(tmp_path / "x.json")

    assert repr(other.x.data) == repr([number])
    json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">i2").reshape(2, 3).T,
        np.array([1.5, np.nan]),
        np.array(["a", "ünï"]),
        np.zeros((0, 3)),
        np.array("2026-01-01", dtype="datetime64[D]"),
        np.array([""]).astype("U0"),
        np.float32(1.5),
        np.bool_(True),
        np.int64(7),
    ],
    ids=repr,
)
def test_arrays_and_their_scalars_come_back(array: Any) -> None:
    back = decode(json.loads(json.dumps(encode(array, where="x"))), where="x")

    assert type(back) is type(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(TraceError, match=r"x holds a numpy\.ndarray"):
        encode(np.array([object()]), where="x")


def test_saving_does_not_import_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; from opto.trace.modules import Module; from opto.trace import node\n"
        "class H(Module):\n    def __init__(self): self.x = node([1], trainable=True)\n"
        f"h = H(); h.save({str(tmp_path / 'x.json')!r}); h.load({str(tmp_path / 'x.json')!r})\n"
        "print('numpy' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout == "False\n"


class Text(str):
    """A subclass; it would come back as its base."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [object(), Text("a"), [{1: range(3)}], lambda: 0, 1j],
    ids=lambda value: type(value).__name__,
)
def test_a_value_json_cannot_hold_is_refused_with_the_path(tmp_path: Path, value: Any) -> None:
    with pytest.raises(TraceError, match=r"The parameter inner\.x holds a .*cannot be saved"):
        Holder(inner=holder(value)).save(tmp_path / "x.json")

    assert not list(tmp_path.iterdir())


def test_a_value_without_end_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: Any = 0
    for _ in range(DEEPEST):
        deep = [deep]

    assert decode(encode(deep, where="x"), where="x") == deep
    with pytest.raises(TraceError, match="nested deeper than 100 levels"):
        encode([deep], where="x")
    with pytest.raises(TraceError, match="or holds itself"):
        encode(loop, where="x")


def test_names_that_differ_are_all_told_with_the_near_miss(tmp_path: Path) -> None:
    Holder(tone=ParameterNode("a"), old=ParameterNode(1)).save(tmp_path / "x.json")
    other = Holder(tones=ParameterNode("b"))

    with pytest.raises(TraceError) as caught:
        other.load(tmp_path / "x.json")

    assert "no value for 'tones' and values for 'tone', 'old'" in str(caught.value)
    assert "Is 'tone' now called 'tones'?" in str(caught.value)
    assert other.tones.data == "b"


@pytest.mark.parametrize(
    ("current", "saved"),
    [("a", 1), (1, "a"), (1, True), (True, 1), ([1], (1,)), ("a", None), (b"", ""), (1.0, "nan")],
)
def test_a_value_of_another_type_changes_nothing(tmp_path: Path, current: Any, saved: Any) -> None:
    Holder(first=ParameterNode("new"), second=ParameterNode(saved)).save(tmp_path / "x.json")
    other = Holder(first=ParameterNode("old"), second=ParameterNode(current))

    with pytest.raises(TraceError, match=r"second in .* is of type"):
        other.load(tmp_path / "x.json")

    assert other.first.data == "old"
    assert other.second.data == current


@pytest.mark.parametrize(("current", "saved"), [(1, 2.5), (2.5, 1), (None, "a"), ("a", "")])
def test_values_of_kindred_types_are_loaded(tmp_path: Path, current: Any, saved: Any) -> None:
    holder(saved).save(tmp_path / "x.json")
    other = holder(current)

    other.load(tmp_path / "x.json")

    assert other.x.data == saved


GOOD = {"format": "opto.parameters", "version": 1, "parameters": {"x": {"value": 1}}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        json.dumps(GOOD)[:-5],
        "[" * 1_000_000,
        '{"a":' * 1_000_000,
        "\udcff\udcfe",
        json.dumps([GOOD]),
        json.dumps({**GOOD, "format": "opto.trace"}),
        json.dumps({**GOOD, "version": 2}),
        json.dumps({**GOOD, "version": True}),
        json.dumps({**GOOD, "version": [1]}),
        json.dumps({**GOOD, "parameters": [1]}),
        json.dumps({**GOOD, "parameters": {"x": 1}}),
        json.dumps({**GOOD, "parameters": {"x": {}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": "set", "items": [[]]}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": "object"}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": []}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": "dict", "items": [1]}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": "bytes", "base64": "*"}}}}),
        json.dumps({**GOOD, "parameters": {"x": {"value": {"type": "int", "hex": "zz"}}}}),
        json.dumps(GOOD).replace('"value": 1', '"value": ' + "9" * 5000),
        json.dumps(GOOD).replace('"value": 1', '"value": ' + "[" * 500 + "]" * 500),
    ],
    ids=lambda text: text[:60],
)
def test_a_file_that_is_not_ours_gives_an_error_that_explains(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    mine = holder(7)

    with pytest.raises(TraceError) as caught:
        mine.load(file)

    assert caught.value.fix
    assert len(str(caught.value)) < 1000
    assert mine.x.data == 7


@pytest.mark.parametrize(
    ("dtype", "shape", "data"),
    [
        ("O", [1], "AAAAAAAAAAA="),
        ("i4,f8", [1], "AAAAAAAAAAAAAAAA"),
        ("nonsense", [1], ""),
        ("<i4", [10**18], "AAAAAA=="),
        ("<i4", [-1], "AAAAAA=="),
        ("<i4", ["1"], "AAAAAA=="),
        ("<i4", [True], "AAAAAA=="),
        (["<i4"], [1], "AAAAAA=="),
        ("<i4", 1, "AAAAAA=="),
        ("<i4", [1] * 100, "AAAAAA=="),
        ("<i4", [0, 10**18], ""),
    ],
)
def test_an_array_that_cannot_be_is_refused(dtype: Any, shape: Any, data: str) -> None:
    tree = {"type": "ndarray", "dtype": dtype, "shape": shape, "base64": data}

    if shape == [0, 10**18]:
        assert decode(tree, where="x").size == 0
    else:
        with pytest.raises(TraceError, match="x cannot be read"):
            decode(tree, where="x")


def test_a_file_that_is_not_there_and_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read: No such file"):
        holder(1).load(tmp_path / "none.json")
    with pytest.raises(TraceError, match="cannot be written: No such file"):
        holder(1).save(tmp_path / "none" / "x.json")


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    holder("a" * 100_000).save(file)
    file.chmod(0o640)
    stop = threading.Event()
    broken: list[Exception] = []

    def read() -> None:
        reader = holder("")
        while not stop.is_set():
            try:
                reader.load(file)
            except TraceError as fault:
                broken.append(fault)

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(50):
        holder("b" * 100_000).save(file)
    stop.set()
    thread.join()

    assert not broken
    assert file.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["x.json"]


def test_loaded_code_is_checked_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = f"def greet(self, name, at=open({str(mark)!r}, 'w')):\n    return name"
    evil, agent = Agent(), Agent()
    before = agent.greet.parameter.data
    for code in (f"open({str(mark)!r}, 'w')\ndef greet(self, name):\n    return name", text):
        evil.greet.parameter._data = code
        evil.save(tmp_path / "x.json")

        with pytest.raises(TraceError, match=r"The code of greet\S* cannot be used"):
            agent.load(tmp_path / "x.json")

    assert agent.greet.parameter.data == before
    assert not mark.exists()


# Traces


def sample() -> tuple[MessageNode[Any], ParameterNode[Any]]:
    tone = node("kind", name="tone", trainable=True, description="one word")
    made = (tone + ", ") + tone.upper()
    made.backward("too short")
    return made, tone


def shape(sinks: list[Node[Any]]) -> list[Any]:
    return [
        (
            type(found).__name__,
            found.name,
            found.data,
            found.level,
            found.description,
            found.op_name,
            found.trainable,
            [parent.name for parent in found.parents],
            [name for name, _ in getattr(found, "inputs", {}).items()],
            {child.name: len(parts) for child, parts in found.feedback.items()},
        )
        for found in ancestors(sinks)
    ]


def test_a_trace_comes_back_with_values_structure_and_feedback(tmp_path: Path) -> None:
    made, _ = sample()

    save_graph(made, tmp_path / "trace.json")
    (back,) = load_graph(tmp_path / "trace.json")

    assert shape([back]) == shape([made])
    again = next(iter(back.parameter_dependencies))
    assert again.trainable
    heard = sum((part for parts in again.feedback.values() for part in parts), 0)
    assert isinstance(heard, TraceGraph)
    assert heard.user_feedback == "too short"
    assert heard.nodes[-1] is back


def test_a_loaded_trace_takes_feedback_is_drawn_and_computed_on() -> None:
    made, _ = sample()
    (back,) = load_graph(save_graph(made))
    (tone,) = back.parameter_dependencies
    tone.zero_feedback()

    more = back + "!"
    more.backward("better")

    heard = sum((part for parts in tone.feedback.values() for part in parts), 0)
    assert heard.user_feedback == "better"
    assert more.data == "kind, KIND!"
    assert "kind, KIND" in draw(heard.nodes).svg


def test_saving_what_was_loaded_gives_the_same_document() -> None:
    made, _ = sample()
    document = save_graph(made)

    assert save_graph(load_graph(document)) == document


def test_the_source_of_functions_is_kept_once_and_never_run() -> None:
    @bundle("[say] Says it.")
    def say(x: str) -> str:
        return x + "!"

    x = node("a", trainable=True)
    document = save_graph(say(say(x)))
    (back,) = load_graph(document)

    assert len(document["operations"]) == 1
    assert 'return x + "!"' in document["operations"][0]["source"]
    assert 'return x + "!"' in back.info["source"]
    assert "fun" not in back.info


def test_an_exception_comes_back_as_one() -> None:
    @bundle()
    def fail(x: int) -> float:
        return x / 0

    with pytest.raises(ExecutionError) as caught:
        fail(node(1, trainable=True))
    broken = caught.value.exception_node

    (back,) = load_graph(save_graph(broken))

    assert type(back) is type(broken)
    assert back.data == broken.data
    assert back.create_feedback("full") == broken.create_feedback("full")
    assert back.traceback == broken.traceback


def test_a_hidden_dependency_is_kept() -> None:
    secret = node("s", name="secret", trainable=True)

    @bundle(allow_external_dependencies=True)
    def peek() -> str:
        return secret.data

    (back,) = load_graph(save_graph(peek()))

    assert [found.name for found in back.hidden_dependencies] == [secret.name]
    back.backward("seen")
    (again,) = back.hidden_dependencies
    assert again.feedback


def test_what_json_cannot_hold_is_kept_as_its_text() -> None:
    class Thing:
        def __repr__(self) -> str:
            return "<thing\ud800>"

    (back,) = load_graph(save_graph([node([1, Thing()])]))

    number, left = back.data
    assert number == 1
    assert isinstance(left, Opaque)
    assert left.text == "<thing\ud800>"
    assert left.kind.endswith("Thing")
    assert save_graph(load_graph(save_graph(back))) == save_graph(back)


def test_several_outputs_and_feedback_on_others_are_kept() -> None:
    x = node(1, name="x", trainable=True)
    first, second, third = x + 1, x + 2, x + 3
    third.backward("not asked for")
    second.feedback.setdefault(third, [])
    x.feedback[first] = ["text", 2.5, object()]

    back = load_graph(save_graph([second, first]))

    assert [found.name for found in back] == [second.name, first.name]
    (again,) = back[0].parameter_dependencies
    assert {child.name for child in again.feedback} == {first.name, third.name}
    text, number, lost = again.feedback[next(c for c in again.feedback if c.name == first.name)]
    assert (text, number, type(lost)) == ("text", 2.5, Opaque)


def test_a_trace_is_loaded_whole_where_tracing_is_off() -> None:
    made, _ = sample()
    document = save_graph(made)

    with stop_tracing():
        (back,) = load_graph(document)

    assert shape([back]) == shape([made])


def test_a_chain_of_a_hundred_thousand_is_saved_and_loaded_in_seconds(tmp_path: Path) -> None:
    y: Node[int] = node(0, trainable=True)
    for _ in range(100_000):
        y = y.__neg__()

    start = time.process_time()
    save_graph(y, tmp_path / "long.json")
    (back,) = load_graph(tmp_path / "long.json")

    assert time.process_time() - start < 20
    assert back.level == 100_000
    back.backward("far")
    (first,) = back.parameter_dependencies
    assert first.feedback


def broken(change: dict[str, Any], at: int = 0) -> dict[str, Any]:
    """A good document with some entries of one node replaced."""
    x = node(1, trainable=True)
    document = json.loads(json.dumps(save_graph(x + x)))
    document["nodes"][at] |= change
    return document


@pytest.mark.parametrize(
    "document",
    [
        broken({"inputs": [["x", 1]]}, 1),
        broken({"inputs": [["x", 99]]}, 1),
        broken({"inputs": [["x", -1]]}, 1),
        broken({"inputs": [["x", True]]}, 1),
        broken({"inputs": [[1, 0]]}, 1),
        broken({"inputs": [["x"]]}, 1),
        broken({"inputs": 5}, 1),
        broken({"operation": 5}, 1),
        broken({"operation": None}, 1),
        broken({"read_inside": [7]}, 1),
        broken({"kind": "input", "feedback": [[0, [0]]]}),
        broken({"kind": "exception", "info": {}}, 1),
        broken({"kind": "code"}),
        broken({"name": "a:b"}),
        broken({"name": ""}),
        broken({"name": None}),
        broken({"number": -1}),
        broken({"number": 10**30}),
        broken({"number": "0"}),
        broken({"trainable": "yes"}),
        broken({"feedback": [[0, [3]]]}),
        broken({"feedback": [[9, []]]}),
        broken({"feedback": {"a": 1}}),
        broken({"description": 5}),
        broken({"value": {"type": "eval"}}),
        {**broken({}), "nodes": {}},
        {**broken({}), "nodes": [None]},
        {**broken({}), "outputs": [5]},
        {**broken({}), "outputs": None},
        {**broken({}), "operations": [{}]},
        {**broken({}), "feedback": [{"said": [[9, ""]], "parameters": []}]},
        {**broken({}), "feedback": [{"said": [], "parameters": [], "graph": [["a", 0]]}]},
        {**broken({}), "version": 0},
        {**broken({}), "format": "opto.parameters"},
        {"format": "opto.trace", "version": 1},
    ],
    ids=lambda document: str(document)[-60:],
)
def test_a_document_that_contradicts_itself_gives_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(TraceError) as caught:
        load_graph(document)

    assert caught.value.fix


def test_a_trace_file_cut_anywhere_gives_an_error(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    made, _ = sample()
    save_graph(made, file)
    whole = file.read_bytes().rstrip()

    for end in range(0, len(whole), 7):
        file.write_bytes(whole[:end])
        with pytest.raises(TraceError):
            load_graph(file)
    file.write_text("[" * 1_000_000, encoding="utf-8")
    with pytest.raises(TraceError):
        load_graph(file)
