"""Measures how soon a mesh gives its first token after `weft up` was started, and its worker's memory.

usage: start_benchmark.py ROOT MODEL [--rounds N] [--threads N]

The first round has no packed weights; the others have, and a warm page cache. Memory is what is resident
of the worker after a prompt of some 500 tokens, without the KV memory (--kv-memory-mib).
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

KV_MEMORY_MIB = 1024


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def worker_of(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            for child in file.read().split():
                with open(f"/proc/{child}/cmdline") as command:
                    if command.read().split("\0")[0].endswith("weft-worker"):
                        return child
    raise SystemExit("no worker")


def start(options, cache, question):
    environment = dict(os.environ, XDG_CACHE_HOME=cache, WEFT_LOG_LEVEL="critical")
    begin = time.monotonic()
    process = subprocess.Popen(
        [
            f"{options.root}/.build/release/weft", "up", "--model", options.model, "--listen", f"unix:{cache}/gateway.sock",
            "--threads", str(options.threads), "--kv-memory-mib", str(KV_MEMORY_MIB), "--ask", question,
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    text, serving, first = b"", None, None
    try:
        while not text.endswith(b"\n") or first is None:
            chunk = os.read(process.stdout.fileno(), 4096)
            if not chunk:
                raise SystemExit(f"the mesh ended: {text.decode()}")
            text += chunk
            if serving is None and b"The mesh serves" in text:
                serving = time.monotonic() - begin
            # The answer follows the line with the question.
            _, asked, rest = text.partition(b"\n> ")
            if asked and rest.partition(b"\n")[2] and first is None:
                first = time.monotonic() - begin
        return serving, first, resident_mib(worker_of(process.pid)) - KV_MEMORY_MIB
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    question = "What is the capital of Japan?"
    long_question = "Please look at these words. " + "word and place " * 160 + question
    print(f"{options.threads} threads; from the start of weft up, in ms")
    with tempfile.TemporaryDirectory() as cache:
        serving, first, _ = start(options, cache, question)
        print(f"nothing packed     serving {1000 * serving:5.0f}   first token {1000 * first:5.0f}")
        runs = [start(options, cache, question) for _ in range(options.rounds)]
        for name, column in (("serving", 0), ("first token", 1)):
            values = [1000 * run[column] for run in runs]
            print(f"packed, {name:12}{statistics.median(values):5.0f} ({min(values):.0f} to {max(values):.0f})")
        memory = start(options, cache, long_question)[2]
        print(f"the worker's memory without KV memory: {memory:.0f} MiB after a prompt of some 500 tokens")


if __name__ == "__main__":
    main()
