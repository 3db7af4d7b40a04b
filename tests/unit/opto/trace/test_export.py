"""Exported classes are plain Python: they run where opto is not installed."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opto.trace import bundle, model, node
from opto.trace.errors import SourceError, TraceError
from opto.trace.literal import literal, shifted
from opto.trace.projections import Projection

SALES = '''
    """A sales agent."""
    from __future__ import annotations

    import json
    import re as regex
    from opto import trace
    from opto.trace import bundle as traced, node

    GREETINGS = {"es": "Hola", "en": "Hello"}
    SIGN = node("!", trainable=True)
    UNUSED = json.dumps(1)


    def clean(text):
        return regex.sub(r"\\s+", " ", text)


    @traced(trainable=True)
    def close(text):
        """Close."""
        return text


    @trace.model
    class Agent:
        """An agent, ünï."""

        def __init__(self, system_prompt):
            self.system_prompt = system_prompt
            self.instruct1 = trace.node("Decide the language", trainable=True)  # stays
            self.limit: float = node(
                3, trainable=True, description="at most"
            )
            self.plain = node([1, 2])

        def __call__(self, user_query):
            lang = self.decide_lang(self.instruct1 + ": " + user_query)
            note = f"ü {self.instruct1.data} {node(5)}"
            return self.greet(lang, clean(user_query)) + "|" + close(note) + SIGN

        @trace.bundle(trainable=True)
        def decide_lang(self, response):
            """Map the language into a variable"""
            return "en"

        @traced("[greet] Greets.",
            trainable=True,
        )
        def greet(self, lang, user_name):
            """Produce a greeting based on the language

            At length.
            """
            def greet(x):
                return GREETINGS[x]
            return f"{greet(lang)}, {user_name}"
'''
numbers = itertools.count()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Makes a module of a text."""

    def made(text: str) -> ModuleType:
        name = f"exported_{next(numbers)}"
        file = tmp_path / f"{name}.py"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, found)
        spec.loader.exec_module(found)
        return found

    return made


def run_alone(file: Path, expression: str) -> str:
    """What an expression prints where only the exported file is known."""
    code = (
        "import runpy, sys\n"
        f"found = runpy.run_path({str(file)!r})\n"
        "assert not any(name.split('.')[0] == 'opto' for name in sys.modules)\n"
        f"print(ascii(eval({expression!r}, found)))"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(ast.literal_eval(done.stdout))


def test_a_trained_agent_runs_without_opto(module: Any, tmp_path: Path) -> None:
    sales = module(SALES)
    agent = sales.Agent("You sell.")
    agent.instruct1._data = 'Say "it"\n\\ é'
    agent.limit._data = 7
    agent.decide_lang.parameter._data = (
        "def decide_lang(self, response):\n"
        '    """Map the language into a variable"""\n'
        '    text = """two\n  lines"""\n'
        '    return "es" if len(text) == 11 and self.limit.data == 7 else "en"'
    )
    sales.close.parameter._data = 'def close(text):\n    """Close."""\n    return text.upper()'
    sales.SIGN._data = "?"

    agent.export(tmp_path / "out.py")

    text = (tmp_path / "out.py").read_text(encoding="utf-8")
    said = run_alone(tmp_path / "out.py", "Agent('x')('Juan   B')")
    assert said == 'Hola, Juan B|Ü SAY "IT"\n\\ É 5?'
    assert "opto" not in text
    assert "UNUSED" not in text
    assert "json" not in text
    assert "# stays" in text
    assert run_alone(tmp_path / "out.py", "(Agent(1).limit, Agent(1).plain)") == "(7, [1, 2])"
    assert run_alone(tmp_path / "out.py", "Agent.__doc__") == "An agent, ünï."


def test_an_untrained_agent_is_exported_as_it_was_written(module: Any, tmp_path: Path) -> None:
    module(SALES).Agent("x").export(tmp_path / "out.py")

    text = (tmp_path / "out.py").read_text(encoding="utf-8")
    start = SALES.index("        def greet(self")
    assert textwrap.dedent(SALES[start:]).strip() in textwrap.dedent(
        text[text.index("    def greet(") :]
    )


def test_each_instance_exports_its_own_code(module: Any, tmp_path: Path) -> None:
    agents = module(SALES).Agent
    one, two = agents("x"), agents("x")
    one.decide_lang.parameter._data = 'def decide_lang(self, response):\n    return "es"'

    one.export(tmp_path / "one.py")
    two.export(tmp_path / "two.py")

    assert run_alone(tmp_path / "one.py", "Agent('x')('J')[:4]") == "Hola"
    assert run_alone(tmp_path / "two.py", "Agent('x')('J')[:4]") == "Hell"


def test_what_rewritten_code_brings_along_comes_before_the_class(
    module: Any, tmp_path: Path
) -> None:
    agent = module(SALES).Agent("x")
    agent.greet.parameter._data = (
        "import json\nTIMES = 2\n\ndef shout(x):\n    return x.upper() * TIMES\n\n"
        'def greet(self, lang, user_name):\n    """Greet."""\n'
        "    return shout(lang) + json.dumps([user_name])"
    )

    agent.export(tmp_path / "out.py")

    assert run_alone(tmp_path / "out.py", "Agent('x').greet('en', 'J')") == 'ENEN["J"]'


def test_a_helper_that_clashes_with_the_module_is_refused(module: Any, tmp_path: Path) -> None:
    agent = module(SALES).Agent("x")
    agent.greet.parameter._data = (
        "def clean(x):\n    return x\n\ndef greet(self, lang, user_name):\n    return clean(lang)"
    )

    with pytest.raises(TraceError, match="defines clean, which the file defines otherwise"):
        agent.export(tmp_path / "out.py")


@pytest.mark.parametrize("code", ["def greet(self", "def other(self, lang, user_name): pass", ""])
def test_code_that_may_not_stand_is_not_exported(module: Any, tmp_path: Path, code: str) -> None:
    agent = module(SALES).Agent("x")
    agent.greet.parameter._data = code

    with pytest.raises(TraceError, match=r"The code of Agent\.greet cannot be exported"):
        agent.export(tmp_path / "out.py")

    assert not (tmp_path / "out.py").exists()


def test_a_value_without_a_literal_is_refused_with_its_attribute(
    module: Any, tmp_path: Path
) -> None:
    agent = module(SALES).Agent("x")
    agent.limit._data = [object()]

    with pytest.raises(TraceError, match=r"self\.limit is a object that no Python literal"):
        agent.export(tmp_path / "out.py")


def test_base_classes_and_lists_of_parameters_come_along(module: Any, tmp_path: Path) -> None:
    found = module("""
        from opto.trace import model, node, bundle
        from opto.trace.containers import Seq, Map

        class Base:
            def __init__(self):
                self.tone = node("kind", trainable=True)

            @bundle(trainable=True)
            def speak(self):
                return "base"

            @bundle(trainable=True)
            def over(self):
                return "base"

        @model
        class Agent(Base):
            def __init__(self):
                super().__init__()
                self.shots = Seq(node(1, trainable=True), 2)
                self.table = Map({"a": node(3, trainable=True)})

            @bundle()
            def over(self):
                return "own"
    """)
    agent = found.Agent()
    agent.tone._data = "rude"
    agent.shots[0]._data = 9
    agent.speak.parameter._data = 'def speak(self):\n    return "trained"'

    agent.export(tmp_path / "out.py")

    asked = "(lambda a: (a.tone, a.shots, a.table, a.speak(), a.over()))(Agent())"
    assert run_alone(tmp_path / "out.py", asked) == "('rude', [9, 2], {'a': 3}, 'trained', 'own')"


def test_types_of_nodes_are_those_of_their_values_and_forward_is_called(
    module: Any, tmp_path: Path
) -> None:
    found = module("""
        from opto import trace
        from opto.trace import Node, ParameterNode, model, node

        @model
        class Agent:
            def __init__(self):
                self.x: ParameterNode[int | None] = node(1, trainable=True)

            def forward(self, y: Node[int]) -> "trace.Node[int]":
                z: trace.Node[list[int]] = [self.x, y]
                return sum(z)
    """)
    agent = found.Agent()
    agent.x._data = 41

    agent.export(tmp_path / "out.py")

    assert run_alone(tmp_path / "out.py", "Agent()(1)") == "42"
    assert run_alone(tmp_path / "out.py", "Agent.forward.__annotations__['y'] is int") == "True"


def test_code_goes_into_a_class_indented_by_tabs(module: Any, tmp_path: Path) -> None:
    found = module(
        "from opto.trace import model, bundle\n@model\nclass Agent:\n"
        "\t@bundle(trainable=True)\n\tdef f(self):\n\t\treturn 1\n"
        "\n\tdef forward(self):\n\t\treturn 2\n"
    )
    agent = found.Agent()
    agent.f.parameter._data = "def f(self):\n    if True:\n        return 3"

    agent.export(tmp_path / "out.py")

    assert run_alone(tmp_path / "out.py", "Agent().f() + Agent()()") == "5"


LOST = """
    from opto.trace import model, node, bundle, Module

    class Part(Module):
        def __init__(self):
            self.x = node(1, trainable=True)

    @model
    class Agent:
        def __init__(self):
            {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "self.part = Part()",
        "a, self.x = 1, node(1, trainable=True)",
        "setattr(self, 'x', node(1, trainable=True))",
    ],
)
def test_no_trained_value_is_lost_in_silence(module: Any, tmp_path: Path, body: str) -> None:
    agent = module(LOST.format(body=body)).Agent()

    with pytest.raises(TraceError, match="has no place in the exported class"):
        agent.export(tmp_path / "out.py")


def test_a_name_that_only_the_surrounding_function_knows_is_refused(tmp_path: Path) -> None:
    outside = 1

    @model
    class Agent:
        def __init__(self) -> None:
            self.x = node(1, trainable=True)

        def forward(self) -> int:
            return outside

    with pytest.raises(TraceError, match="uses outside, not defined at the top"):
        Agent().export(tmp_path / "out.py")


def test_a_class_within_a_function_is_moved_to_the_margin(tmp_path: Path) -> None:
    @model
    class Agent:
        """Within."""

        def __init__(self) -> None:
            self.x = node("a", trainable=True)

        @bundle(trainable=True)
        def text(self, y: str) -> str:
            """Two lines,
            moved."""
            return (
                """two
        lines"""
                + y
            )

    agent = Agent()
    agent.x._data = "b"

    agent.export(tmp_path / "out.py")

    assert run_alone(tmp_path / "out.py", "Agent().x + Agent().text('!')") == "btwo\n        lines!"


def test_a_class_without_source_says_so(tmp_path: Path) -> None:
    agent = type("Agent", (), {})
    made = model(agent)()

    with pytest.raises(SourceError, match="Agent cannot be found"):
        made.export(tmp_path / "out.py")


def test_projections_are_applied_in_order(module: Any, tmp_path: Path) -> None:
    class Ending(Projection):
        def __init__(self, mark: str) -> None:
            self.mark = mark

        def project(self, x: str) -> str:
            return f"{x}# {self.mark}\n"

    module(SALES).Agent("x").export(tmp_path / "out.py", [Ending("1"), Ending("2")])

    assert (tmp_path / "out.py").read_text(encoding="utf-8").endswith("\n# 1\n# 2\n")


VALUES = [
    None, True, -3, -(16**5000), 0.1, float("inf"), -0.0, "ü\"'\n\\\x00\ud800", b"\xff", [],
    [1, [2]], (), (1,), set(), {1, 2}, frozenset(), frozenset({"a"}), {}, {(1, None): {"k": [b""]}},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_literal_has_the_value(value: Any) -> None:
    text = literal(value, "x")

    known = {"float": float, "set": set, "frozenset": frozenset}
    back = eval(text, {"__builtins__": known})  # noqa: S307  (our own text)
    assert back == value
    assert type(back) is type(value)
    text.encode()


def test_values_without_a_literal_are_refused() -> None:
    class Text(str):
        __slots__ = ()

    loop: list[Any] = []
    loop.append(loop)

    for value in (Text("a"), object(), [range(3)], loop):
        with pytest.raises(TraceError, match="x is a"):
            literal(value, "x")


def test_shifting_keeps_strings_and_comes_back() -> None:
    text = 'def f():\n    x = """a\n  b\n"""\n\n    return x + f"""{\n1}"""'

    moved = shifted(text, 4)

    assert moved.split("\n")[2] == "  b"
    assert shifted(moved, -4) == text
