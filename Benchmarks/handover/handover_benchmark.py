"""Measures what handing sequences over between pools costs: one worker computes prompts, another decodes.

usage: handover_benchmark.py ROOT MODEL FOLDER [--rounds N] [--tokens N] [--seed N]

Both workers have one thread and the store is in memory, so that the three do not wait for each other's
core. Printed are the time to the first token, which the worker for prompts samples; the longest gap
between tokens, which is that of the hand-over; the time to the last of 16 tokens from the first; and the
median gap. FOLDER is empty and private.
"""

import argparse
import contextlib
import os
import random
import statistics
import subprocess
import sys
import time

import grpc

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")
import meshes


@contextlib.contextmanager
def mesh(options):
    """A gateway's address, with a worker for prompts and one for decoding behind it."""

    def at(name):
        return f"unix:{options.folder}/{name}.sock"

    worker = ["--model", options.model, "--scheduler", at("scheduler"), "--kvstores", at("kvstore"), "--threads", "1"]
    services = {
        "kvstore": ["weft-kvstore", "--memory-mib", "512"],
        "tokenizer": ["weft-tokenizer", "--model", options.model],
        "scheduler": ["weft-scheduler", "--kvstores", at("kvstore")],
        "prompts": ["weft-worker", "--worker-name", "prompts", "--worker-role", "prefill"] + worker,
        "decoding": ["weft-worker", "--worker-name", "decoding", "--worker-role", "decode"] + worker,
        "gateway": ["weft-gateway", "--tokenizer", at("tokenizer"), "--scheduler", at("scheduler")],
    }
    processes = []
    try:
        for name, (executable, *arguments) in services.items():
            command = [f"{options.root}/.build/release/{executable}", "--listen", at(name), "--log-level", "error"]
            processes.append(subprocess.Popen(command + arguments))
        yield at("gateway")
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def parts(gateway, prompt, max_tokens):
    """The parts of a greedy answer."""
    from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

    request = gateway_pb2.GenerateRequest(text=prompt)
    request.options.max_tokens = max_tokens
    request.options.ignore_eos = True
    with grpc.insecure_channel(gateway) as channel:
        grpc.channel_ready_future(channel).result(timeout=60)
        yield from gateway_pb2_grpc.GatewayServiceStub(channel).Generate(request, timeout=120)


def tokens(gateway, prompt, max_tokens):
    """The token ids of a greedy answer."""
    return [token for part in parts(gateway, prompt, max_tokens) for token in part.token_ids]


def answer(gateway, prompt, max_tokens):
    """Times of the tokens of a greedy answer, in seconds from the request, and what it used."""
    times, usage = [], None
    start = time.monotonic()
    for part in parts(gateway, prompt, max_tokens):
        times += [time.monotonic() - start] * len(part.token_ids)
        if part.HasField("finish"):
            usage = part.finish.usage
    return times, usage


def wait_until_ready(gateway):
    deadline = time.monotonic() + 60
    while True:
        try:
            # Longer than a block: both workers have a part in it.
            return answer(gateway, "Hello " * 40, 4)
        except (grpc.RpcError, grpc.FutureTimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, nargs="+", default=[250, 1000, 2000])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    meshes.load_stubs(f"{options.root}/protos")
    generator = random.Random(options.seed)
    words = "time year people way day man thing woman life child world school state family group hand".split()
    print(f"seed {options.seed}; medians of {options.rounds} rounds (fastest to slowest), ms")
    print(f"{'tokens':>7}{'first token':>26}{'longest gap':>26}{'first to last':>26}{'median gap':>12}")
    with mesh(options) as gateway:
        wait_until_ready(gateway)
        for tokens in options.tokens:
            first, longest, rest, later, counts = [], [], [], [], []
            for _ in range(options.rounds):
                times, usage = answer(gateway, " ".join(generator.choices(words, k=tokens)), 16)
                gaps = [(after - before) * 1000 for before, after in zip(times, times[1:])]
                first.append(times[0] * 1000)
                longest.append(max(gaps))
                rest.append(sum(gaps))
                later.append(statistics.median(gaps))
                counts.append(usage.prompt_tokens)
            row = f"{statistics.median(counts):7.0f}"
            for values in (first, longest, rest):
                row += f"{statistics.median(values):10.1f} ({min(values):6.1f} to {max(values):6.1f})"
            print(f"{row}{statistics.median(later):12.1f}", flush=True)


if __name__ == "__main__":
    main()
