"""Text from a model, a data file or a saved program is never executed in the user's process.

Each journey runs in a process with an audit hook that looks at every code object, pickle and
marshal that the interpreter is given. What comes from outside bears a token; none may reach them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORD = "outside_word_8c1f"

WATCH = """
import sys, types
WORD = "outside_word_8c1f"
reached = []

def holds(code):
    parts = (*code.co_names, *code.co_varnames, *code.co_consts, code.co_name)
    return any(
        holds(part) if isinstance(part, types.CodeType) else WORD in str(part) for part in parts
    )

def hook(event, arguments):
    if event == "exec" and isinstance(arguments[0], types.CodeType):
        if arguments[0].co_filename != __file__ and holds(arguments[0]):
            reached.append(event)
    elif event == "pickle.find_class":
        reached.append(event)
    elif event == "marshal.loads" and WORD.encode() in bytes(arguments[0]):
        reached.append(event)

sys.addaudithook(hook)
"""

REWRITE = """
import json
from opto.optimizers import OptoPrime
from opto.trace import bundle

@bundle(trainable=True, trust={trust})
def double(x):
    return x

code = "def double(x):\\n    outside_word_8c1f = 2 * x\\n    return outside_word_8c1f"
reply = json.dumps({{"reasoning": "", "answer": "", "suggestion": {{"__code0": code}}}})
optimizer = OptoPrime(double.parameters(), llm=lambda messages, **options: reply)
optimizer.backward(double(1), "twice as much")
optimizer.step()
assert double(21).data == 42
print(reached)
"""

SAVED = """
from pathlib import Path
from opto.trace import Module, bundle
from opto.trace.codec import load_graph, save_graph

class Program(Module):
    @bundle(trainable=True)
    def double(self, x):
        return x

    def forward(self, x):
        return self.double(x)

program = Program()
program.parameters()[0]._data = "def double(self, x):\\n    return {'outside_word_8c1f': 2 * x}"
program.save("program.json")
again = Program()
again.load("program.json")
output = again(21)
assert output.data == {"outside_word_8c1f": 42}
save_graph(output, "trace.json")
assert load_graph("trace.json")[0].data == output.data
print(reached)
"""

SOLVE = """
from pathlib import Path
import opto
from opto.llm.client import LM
from opto.llm.scripted import Scripted
said = Path("reply.json").read_text(encoding="utf-8")
answer = opto.solve("problem.txt", model=LM(Scripted([said])), pipeline="standard")
assert "outside_word_8c1f" in str(answer.model), answer
print(reached)
"""


def reached(program: str, folder: Path) -> list[str]:
    """What text with the token reached in a process that ran `program`."""
    file = folder / "program.py"
    file.write_text(WATCH + program, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", str(file)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    return found


def test_the_watch_sees_code_that_the_user_trusts(tmp_path: Path) -> None:
    assert reached(REWRITE.format(trust=True), tmp_path) == ["exec"]


def test_code_a_model_wrote_is_executed_elsewhere(tmp_path: Path) -> None:
    assert reached(REWRITE.format(trust=False), tmp_path) == []


def test_a_saved_program_and_a_saved_trace_are_data(tmp_path: Path) -> None:
    assert reached(SAVED, tmp_path) == []


def test_a_model_of_an_optimization_problem_is_data(tmp_path: Path) -> None:
    words = (ROOT / "examples" / "problems" / "bakery.txt").read_text(encoding="utf-8")
    (tmp_path / "problem.txt").write_text(words, encoding="utf-8")
    (tmp_path / "reply.json").write_text(recorded_reply(words, "rye_loaves"), encoding="utf-8")

    assert reached(SOLVE, tmp_path) == []


def recorded_reply(words: str, name: str) -> str:
    """The recorded model of a problem, `name` in it replaced by the token."""
    recorded = ROOT / "examples" / "recordings" / "examples.jsonl"
    for line in recorded.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        asked = json.dumps(event["data"].get("request", ""))
        if event["kind"] == "llm.call" and words.partition(".")[0] in asked:
            said: str = event["data"]["completion"]["text"]
            if name in said:
                return said.replace(name, WORD)
    pytest.fail("the recording has no such problem")
