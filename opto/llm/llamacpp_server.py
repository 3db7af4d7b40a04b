"""The child process that runs a GGUF: `python -m opto.llm.llamacpp_server`, started by llamacpp.

Reads one line of JSON from stdin (never from arguments, which every user of the machine can see),
loads the model, serves the OpenAI protocol on a free port of 127.0.0.1, writes one line of JSON
with the address to stdout, and ends when stdin closes or its parent is gone, also by `kill -9`.

Lives here: the only use of `xllamacpp`.
Never here: requests, prompts, the parent's side.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass

_PARENT_POLL_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What the child is told."""

    model: str
    """Path of the GGUF file."""
    alias: str
    """Name under which the model answers."""
    context_tokens: int
    """Context of ONE slot; llama.cpp's own figure is shared by all slots."""
    slots: int
    """Requests that are worked on at the same time."""
    threads: int

    def to_line(self, api_key: str) -> str:
        """The line the child reads."""
        return json.dumps({"config": asdict(self), "api_key": api_key}) + "\n"


def serve(config: ServerConfig, *, api_key: str) -> None:
    """Load the model, say where it listens, and stay until the parent is gone."""
    parent = os.getppid()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    import xllamacpp  # noqa: PLC0415 - after the watch is on: loading takes a while

    params = xllamacpp.CommonParams()
    params.model.path = config.model
    params.model_alias = {config.alias}
    params.n_ctx = config.context_tokens * config.slots
    params.n_parallel = config.slots
    params.cpuparams.n_threads = config.threads
    params.cpuparams_batch.n_threads = config.threads
    params.n_threads_http = config.slots + 2  # health checks get through while all slots work
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.cors_origins = ""  # the default lets every web page in
    params.ui = False
    params.endpoint_slots = False
    params.cache_prompt = True
    params.warmup = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"address": server.listening_address}) + "\n")
    sys.stdout.flush()
    while os.getppid() == parent:  # stdin may stay open in a process forked from the parent
        time.sleep(_PARENT_POLL_S)
    os._exit(0)  # the server's threads have nothing to save


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not the buffered file: its lock blocks the exit
        pass
    os._exit(0)


def main() -> None:
    """Read the one line of instructions and serve."""
    told = json.loads(sys.stdin.readline())
    try:
        serve(ServerConfig(**told["config"]), api_key=told["api_key"])
    except RuntimeError as fault:  # what xllamacpp raises; llama.cpp has logged the cause
        sys.stderr.write(f"{fault}\n")
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
