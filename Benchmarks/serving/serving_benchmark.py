"""Measures a mesh under load next to llama.cpp's server: output tokens/s, and how soon tokens come.

usage: serving_benchmark.py ROOT LLAMA_SERVER MODEL Q4_0_MODEL [--works A B] [--rounds N]
                            [--requests N] [--threads N] [--seed N] [--only NAME]

Two works, each at several numbers of requests at once: distinct prompts of 200 tokens, and prompts of 1500
shared tokens and 50 of their own; 64 tokens are asked for, greedily. Every server is started anew for every
line and warmed up with one other request; ours, llama.cpp with the same file and llama.cpp with its Q4_0 take
turns. The same threads of the same client ask all of them.
"""

import argparse
import concurrent.futures
import dataclasses
import glob
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import grpc

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")
import meshes

OUTPUT_TOKENS = 64


@dataclasses.dataclass
class Work:
    name: str
    shared_tokens: int
    own_tokens: int
    requests: int
    at_once: list


WORKS = [
    Work("distinct", 0, 200, 64, [1, 8, 16, 32]),
    Work("shared", 1500, 50, 32, [1, 8, 32]),
]


@dataclasses.dataclass
class Answer:
    first: float
    last: float
    tokens: int
    output: object


class Server:
    """A process that is stopped at the end."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        deadline = time.monotonic() + 120
        while True:
            try:
                self.ask("Hello there, how are you?")
                return self
            except (OSError, ValueError, grpc.RpcError, http.client.HTTPException):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise
                time.sleep(0.1)

    def times(self):
        return 0, 0

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Mesh(Server):
    def __init__(self, options, folder):
        self.address = f"unix:{folder}/gateway.sock"
        self.folder = folder
        command = [
            f"{options.root}/.build/release/weft", "up", "--model", options.model, "--listen", self.address,
            "--threads", str(options.threads), "--ask", "",
        ] + (["--workers", str(options.workers)] if options.workers > 1 else [])
        super().__init__(command, {"XDG_RUNTIME_DIR": folder, "WEFT_LOG_LEVEL": "critical"})
        self.channel = grpc.insecure_channel(self.address)

    def ask(self, text):
        from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

        request = gateway_pb2.GenerateRequest(text=text)
        request.options.max_tokens = OUTPUT_TOKENS
        request.options.ignore_eos = True
        first, ids = None, []
        for part in gateway_pb2_grpc.GatewayServiceStub(self.channel).Generate(request, timeout=1800):
            if part.token_ids and first is None:
                first = time.monotonic()
            ids += part.token_ids
        return Answer(first, time.monotonic(), len(ids), tuple(ids))

    def times(self):
        """Microseconds that workers have spent on steps, and between steps while sequences waited."""
        from weft.scheduler.v1 import scheduler_pb2, scheduler_pb2_grpc

        compute, idle = 0, 0
        for socket_path in glob.glob(f"{self.folder}/weft-*/scheduler*.sock"):
            with grpc.insecure_channel(f"unix:{socket_path}") as channel:
                stub = scheduler_pb2_grpc.SchedulerServiceStub(channel)
                for worker in stub.GetStatus(scheduler_pb2.GetStatusRequest(), timeout=60).workers:
                    compute += worker.compute_microseconds_total
                    idle += worker.idle_microseconds_total
        return compute, idle

    def __exit__(self, *arguments):
        self.channel.close()
        super().__exit__(*arguments)


class Llama(Server):
    def __init__(self, options, model, work, at_once):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        context = (work.shared_tokens + work.own_tokens + OUTPUT_TOKENS + 64) * at_once
        super().__init__([
            options.llama, "-m", model, "-t", str(options.threads), "-tb", str(options.threads),
            "-c", str(max(context, 512)), "-np", str(at_once), "-fa", "on", "--host", "127.0.0.1",
            "--port", str(self.port),
        ])

    def ask(self, text):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1800)
        body = {
            "prompt": text, "n_predict": OUTPUT_TOKENS, "ignore_eos": True, "temperature": 0, "stream": True,
            "cache_prompt": True,
        }
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise ValueError(response.read())
        first, output, tokens = None, "", 0
        for line in response:
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            if event.get("content") and first is None:
                first = time.monotonic()
            output += event.get("content", "")
            tokens = event.get("tokens_predicted", tokens)
        connection.close()
        return Answer(first or time.monotonic(), time.monotonic(), tokens, output)


@dataclasses.dataclass
class Line:
    throughput: float
    first: list
    between: list
    outputs: list
    idle: float


def load(server, prompts, at_once):
    """Asks for all prompts, so many at once."""
    before = server.times()

    def one(prompt):
        start = time.monotonic()
        return start, server.ask(prompt)

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(one, prompts))
    end = time.monotonic()
    compute, idle = (now - then for now, then in zip(server.times(), before))
    return Line(
        throughput=sum(answer.tokens for _, answer in answers) / (end - start),
        first=[answer.first - begin for begin, answer in answers],
        between=[(answer.last - answer.first) / max(1, answer.tokens - 1) for _, answer in answers],
        outputs=[answer.output for _, answer in answers],
        idle=idle / max(1, compute + idle),
    )


def tokens_per_word(options, words):
    from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

    sample = " ".join(random.Random(options.seed).choices(words, k=400))
    with tempfile.TemporaryDirectory() as folder, Mesh(options, folder) as mesh:
        request = gateway_pb2.GenerateRequest(text=sample)
        request.options.max_tokens = 1
        parts = list(gateway_pb2_grpc.GatewayServiceStub(mesh.channel).Generate(request, timeout=60))
        return parts[-1].finish.usage.prompt_tokens / 400


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(options, work, at_once, prompts, lines):
    contestants = {
        "weft": lambda folder: Mesh(options, folder),
        "llama.cpp": lambda _: Llama(options, options.model, work, at_once),
        "llama.cpp Q4_0": lambda _: Llama(options, options.q4_0, work, at_once),
    }
    for name, start in contestants.items():
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder, start(folder) as server:
            lines.setdefault((work.name, at_once, name), []).append(load(server, prompts, at_once))


def report(work, at_once, lines):
    ours = lines.get((work.name, at_once, "weft"))
    for name in ("weft", "llama.cpp", "llama.cpp Q4_0"):
        runs = lines.get((work.name, at_once, name))
        if not runs:
            continue
        speed = statistics.median(run.throughput for run in runs)
        first = [value for run in runs for value in run.first]
        between = [value for run in runs for value in run.between]
        row = f"{work.name:9}{at_once:4}  {name:15}{speed:9.0f}{1000 * percentile(first, .5):11.0f}"
        row += f"{1000 * percentile(first, .99):9.0f}{1000 * percentile(between, .5):9.1f}"
        row += f"{1000 * percentile(between, .99):9.1f}"
        if name == "weft":
            row += f"   workers idle {100 * statistics.median(run.idle for run in runs):.1f} %"
        if ours and name != "weft":
            our_speed = statistics.median(run.throughput for run in ours)
            our_first = percentile([value for run in ours for value in run.first], .5)
            row += f"   {our_speed / speed:5.1f} x tokens/s, {percentile(first, .5) / our_first:5.1f} x sooner"
        print(row, flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("root", "llama", "model", "q4_0"):
        parser.add_argument(name)
    parser.add_argument("--works", nargs="*", default=[work.name for work in WORKS])
    parser.add_argument("--at-once", nargs="*", type=int)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--requests", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    meshes.load_stubs(f"{options.root}/protos")
    words = meshes.words_of(options.root)
    rate = tokens_per_word(options, words)
    print(f"seed {options.seed}, {options.workers} worker(s) of {options.threads} thread(s), {options.rounds} round(s)")
    print("work  at once  server          tokens/s  TTFT p50 ms     p99  TPOT p50      p99")
    lines, equal, compared = {}, 0, 0
    for work in WORKS:
        if work.name not in options.works:
            continue
        outputs = None
        for at_once in [count for count in work.at_once if count in (options.at_once or work.at_once)]:
            for number in range(options.rounds):
                generator = random.Random(f"{options.seed} {work.name} {number}")
                shared = generator.choices(words, k=int(work.shared_tokens / rate))
                prompts = [
                    " ".join(shared + generator.choices(words, k=int(work.own_tokens / rate)))
                    for _ in range(options.requests or work.requests)
                ]
                measure(options, work, at_once, prompts, lines)
                ours = lines.get((work.name, at_once, "weft"))
                if ours and number == 0:
                    outputs = outputs or ours[-1].outputs
                    equal += sum(one == other for one, other in zip(outputs, ours[-1].outputs))
                    compared += len(outputs)
            report(work, at_once, lines)
    print(f"outputs equal to those of the first line of their work: {equal} of {compared}")
    raise SystemExit(0 if equal == compared else 1)


if __name__ == "__main__":
    main()
