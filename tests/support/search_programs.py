"""Programs as users write them into a file, for the commands that search."""

from __future__ import annotations

from pathlib import Path

GREET = '''
import opto
from opto.optimizers.search import Rewriter, named

prompt = opto.node("Answer.", trainable=True, name="prompt", description="An instruction.")


@opto.bundle()
def answer(prompt: str, question: str) -> str:
    """Stands for a call of a model."""
    time.sleep(PAUSE)
    a, b = question.split("+")
    hard = int(a) % 3 == 0 and "please" not in prompt
    return str(int(a) + int(b)) if "number" in prompt and not hard else "four"


class Program(opto.Module):
    def __init__(self) -> None:
        self.prompt = prompt

    def forward(self, question: str) -> object:
        if FILE:
            with open(FILE, "a") as out:
                out.write(question + "\\n")
        return answer(self.prompt, question)


program = Program()
trainset = [(f"{a}+{b}", str(a + b)) for a in range(3) for b in range(4)]


def guide(output: str, example: tuple[str, str]) -> tuple[float, str]:
    right = output == example[1]
    return float(right), "Right." if right else f"Expected {example[1]!r}."


def model(messages: list[dict[str, str]], **options: object) -> str:
    """Stands for a model: the same question gets the same answer."""
    chosen = random.Random(f"{messages} {options.get('seed')}")
    time.sleep(PAUSE)
    if chosen.random() < 0.2:
        return "I would rather not."
    words = ["Answer with a number.", "Be brief.", "A number, please.", "Say it", "<b>number</b>"]
    return f"<variable><name>prompt</name><value>{chosen.choice(words)}</value></variable>"


scripted = named("opto").algorithm(Rewriter(model))
'''


def write_program(
    folder: Path, name: str = "greet", *, pause_s: float = 0.0, calls: Path | None = None
) -> Path:
    """A program that adds two numbers if told to; `NAME.py:scripted` proposes without a model.

    Args:
        folder: Where the file is written.
        name: Of the file, without its ending.
        pause_s: How long each call takes.
        calls: Gets one line per call of the program.
    """
    head = "import random\nimport time\n"
    head += f"PAUSE = {pause_s}\nFILE = {str(calls) if calls else ''!r}\n"
    file = folder / f"{name}.py"
    file.write_text(head + GREET, encoding="utf-8")
    return file


def proposes(text: str) -> str:
    """The reply of a model that proposes this prompt."""
    return f"<variable><name>prompt</name><value>{text}</value></variable>"
