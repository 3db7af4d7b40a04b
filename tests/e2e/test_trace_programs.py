"""Programs written for Trace run unchanged.

The programs in `programs/` import and call what Trace's quick starts do and name no model; they
run in a process of their own, with `OPTO_MODEL` naming a mailbox whose letters this test answers
from their text.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
Answer = Callable[[str], str]

ODD_SORT = '''def odd_sort(numbers):
    """
    Return the numbers in an odd order: the least one first, then the greatest of the rest,
    then the least of the rest, and so on.
    """
    rest = sorted(numbers)
    out = []
    while rest:
        out.append(rest.pop(0))
        if rest:
            out.append(rest.pop())
    return out
'''
GREET = '''def greet(self, language, name):
    """Greet the person in the language"""
    greeting = {"es": "Hola", "en": "Hello"}[language]
    return f"{greeting}, {name}!"
'''
CODE_OF = '''def code_of(self, reply):
    """Turn the name of a language into its two-letter code"""
    return {"Spanish": "es", "English": "en"}[reply]
'''


class Postman(threading.Thread):
    """Answers the requests of a mailbox, each once."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        super().__init__(daemon=True)
        self.folder, self.answer = folder, answer
        self.asked: list[str] = []
        self.faults: list[AssertionError] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            for letter in sorted(self.folder.glob("*.request.json")):
                reply = letter.with_name(letter.name.replace(".request.json", ".reply.md"))
                if not reply.exists():
                    self._reply(letter, reply)
            time.sleep(0.02)

    def _reply(self, letter: Path, reply: Path) -> None:
        """Answer one letter; a test that cannot answer it says so in the reply, and fails."""
        try:
            request = json.loads(letter.read_text(encoding="utf-8"))
        except json.JSONDecodeError:  # still being written
            return
        text = "\n".join(message["content"] for message in request["request"]["messages"])
        self.asked.append(text)
        draft = reply.with_suffix(".draft")
        try:
            words = self.answer(text)
        except AssertionError as fault:
            self.faults.append(fault)
            words = "The test has no answer to this."
        draft.write_text(words, encoding="utf-8")
        draft.rename(reply)


def run_program(name: str, folder: Path, answer: Answer) -> tuple[str, list[str]]:
    """What a program prints, and what it asked the model."""
    folder.mkdir()
    postman = Postman(folder, answer)
    postman.start()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", str(PROGRAMS / name)],
        cwd=folder.parent,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OPTO_MODEL": f"mailbox:{folder}?poll_s=0.05&timeout_s=20",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    postman.over.set()
    postman.join()
    if postman.faults:
        raise postman.faults[0]
    assert done.returncode == 0, done.stderr
    return done.stdout, postman.asked


def suggestion(prompt: str, *, start: str, code: str) -> str:
    """A reply that rewrites the variable whose code begins with `start`."""
    shown = re.findall(r"\(code\) (\w+)=\n`+python\n([^\n]*)", prompt)
    names = [name for name, first in shown if first.startswith(start)]
    assert len(names) == 1, prompt
    return json.dumps({"reasoning": "as asked", "answer": "", "suggestion": {names[0]: code}})


def no_model(prompt: str) -> str:
    raise AssertionError(f"no model should be asked: {prompt}")


def test_values_and_a_drawing(tmp_path: Path) -> None:
    printed, asked = run_program("first_graph.py", tmp_path / "mail", no_model)

    assert printed.splitlines()[0] == "True 3 [1, 2, 3, 3] 1"
    assert "digraph" in printed
    assert asked == []


def test_a_function_is_trained_until_its_test_passes(tmp_path: Path) -> None:
    printed, asked = run_program(
        "odd_sort.py",
        tmp_path / "mail",
        lambda prompt: suggestion(prompt, start="def odd_sort", code=ODD_SORT),
    )

    assert printed.splitlines() == ["epoch 0", "epoch 1", "[1, 4, 2, 3]"]
    assert len(asked) == 1
    assert "test case failed!" in asked[0]
    assert "then the greatest of the rest" in asked[0]


def test_an_agent_learns_from_an_exception_and_from_words(tmp_path: Path) -> None:
    def model(prompt: str) -> str:
        if "reception" in prompt and "Hola, soy Juan." in prompt and "def greet" not in prompt:
            return "Juan" if "name of the person" in prompt else "Spanish"
        if "KeyError" in prompt:
            return suggestion(prompt, start="def code_of", code=CODE_OF)
        return suggestion(prompt, start="def greet", code=GREET)

    printed, asked = run_program("greeter.py", tmp_path / "mail", model)

    assert printed.splitlines()[-1] == "Correct Hola, Juan!"
    assert any("(KeyError) None" in prompt for prompt in asked)
