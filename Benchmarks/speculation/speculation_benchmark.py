"""Measures what guessing tokens from a sequence's own text gains: one request at a time.

usage: speculation_benchmark.py ROOT MODEL FOLDER [--drafts N...] [--rounds N] [--tokens N] [--at-once N]

A mesh for each number of drafts answers the same requests in turns. Printed are output tokens a second
after the first token, the median of the rounds, and the share of guesses that were right. Answers that
differ between meshes end the benchmark. FOLDER is empty and private.
"""

import argparse
import concurrent.futures
import contextlib
import os
import statistics
import subprocess
import sys
import time

import grpc

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")
import meshes

CODE = '''def read_settings(path):
    """Reads settings from a file."""
    settings = {}
    with open(path) as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            name, value = line.split("=", 1)
            settings[name.strip()] = value.strip()
    return settings


def write_settings(path, settings):
    """Writes settings to a file."""
    with open(path, "w") as file:
        for name, value in sorted(settings.items()):
            file.write(f"{name} = {value}\\n")
'''

TEXT = (
    "The lighthouse stood on the northern cape, where the wind never slept. Every evening Martha climbed "
    "the two hundred and twelve steps, cleaned the lens, filled the lamp with oil and wrote the weather "
    "into her book. Ships passed far out, small lights between the sky and the sea. On the ninth of "
    "November a fishing boat from Harwick lost its mast, and she rowed out alone to bring the three men in."
)

LONG = " ".join(meshes.words_of(f"{os.path.dirname(os.path.abspath(__file__))}/../..")[:2000])

# Name, temperature, what is asked.
CASES = [
    ("chat, greedy", 0, ["Explain how rain forms.", "Write a short story about a dog who finds a key."]),
    ("chat, at 0.8", 0.8, ["Explain how rain forms.", "Write a short story about a dog who finds a key."]),
    ("repeat a text", 0, [f"Repeat the following text exactly, word by word:\n\n{TEXT}"]),
    ("after 3000 tokens", 0, [f"{LONG}\n\nRepeat the following text exactly, word by word:\n\n{TEXT}"]),
    ("edit code", 0, [f"Rename read_settings to load_settings, and print the whole file again:\n\n{CODE}"]),
]


@contextlib.contextmanager
def mesh(options, drafts):
    """Addresses of a gateway and of the scheduler behind it."""

    def at(name):
        return f"unix:{options.folder}/{drafts}-{name}.sock"

    services = {
        "tokenizer": ["weft-tokenizer", "--model", options.model],
        "scheduler": ["weft-scheduler", "--speculative-tokens", str(drafts)],
        "worker": ["weft-worker", "--model", options.model, "--scheduler", at("scheduler"), "--kv-memory-mib", "256"],
        "gateway": ["weft-gateway", "--tokenizer", at("tokenizer"), "--scheduler", at("scheduler")],
    }
    processes = []
    try:
        for name, (executable, *arguments) in services.items():
            command = [f"{options.root}/.build/release/{executable}", "--listen", at(name), "--log-level", "error"]
            processes.append(subprocess.Popen(command + arguments))
        yield at("gateway"), at("scheduler")
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def answer(gateway, question, temperature, seed, max_tokens):
    """The token ids of an answer, and seconds from the first to the last."""
    from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

    request = gateway_pb2.GenerateRequest(
        text=f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", parse_special_tokens=True
    )
    request.options.max_tokens = max_tokens
    request.options.sampling.temperature = temperature
    request.options.sampling.seed = seed
    ids, first, last = [], 0, 0
    with grpc.insecure_channel(gateway) as channel:
        grpc.channel_ready_future(channel).result(timeout=60)
        for part in gateway_pb2_grpc.GatewayServiceStub(channel).Generate(request, timeout=300):
            last = time.monotonic()
            first = first or last
            ids += part.token_ids
    return ids, last - first


def counts(scheduler):
    from weft.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc

    with grpc.insecure_channel(scheduler) as channel:
        stub = scheduler_pb2_grpc.SchedulerServiceStub(channel)
        status = stub.GetStatus(scheduler_pb2.GetStatusRequest(), timeout=10)
    return status.drafted_tokens_total, status.accepted_draft_tokens_total


def wait_until_ready(gateway):
    deadline = time.monotonic() + 60
    while True:
        try:
            return answer(gateway, "Hello", 0, 1, 4)
        except (grpc.RpcError, grpc.FutureTimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def measure(options, address, case, round_number):
    """The answers' ids, and tokens a second of all that run at once."""
    _, temperature, questions = case
    gateway, _ = address
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        runs = [
            pool.submit(answer, gateway, question, temperature, 100 * round_number + copy, options.tokens)
            for question in questions
            for copy in range(options.at_once)
        ]
        answers = [run.result() for run in runs]
    # Of streams that run side by side the rates add up.
    rates = [(len(ids) - 1) / max(seconds, 1e-6) for ids, seconds in answers if len(ids) > 8]
    return [ids for ids, _ in answers], statistics.mean(rates) * options.at_once


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--drafts", type=int, nargs="+", default=[0, 4, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--at-once", type=int, default=1)
    options = parser.parse_args()
    meshes.load_stubs(f"{options.root}/protos")
    print(f"{options.at_once} at once, {options.tokens} tokens at most; medians of {options.rounds} rounds")
    print(f"{'':18}{'tokens':>7}" + "".join(f"{f'{drafts} drafts':>24}" for drafts in options.drafts))
    with contextlib.ExitStack() as stack:
        addresses = {drafts: stack.enter_context(mesh(options, drafts)) for drafts in options.drafts}
        for gateway, _ in addresses.values():
            wait_until_ready(gateway)
        for case in CASES:
            speeds = {drafts: [] for drafts in options.drafts}
            before = {drafts: counts(address[1]) for drafts, address in addresses.items()}
            lengths = []
            for round_number in range(options.rounds):
                expected = None
                for drafts, address in addresses.items():
                    ids, speed = measure(options, address, case, round_number)
                    speeds[drafts].append(speed)
                    expected = expected or ids
                    if ids != expected:
                        raise SystemExit(f"{case[0]}: {drafts} drafts change the answer")
                lengths += [len(answer) for answer in expected]
            row = f"{case[0]:18}{statistics.mean(lengths):7.0f}"
            for drafts, address in addresses.items():
                drafted, accepted = (after - was for after, was in zip(counts(address[1]), before[drafts]))
                share = f"{100 * accepted / drafted:3.0f} % of {drafted}" if drafted else "-"
                row += f"{statistics.median(speeds[drafts]):9.0f}/s{share:>13}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
