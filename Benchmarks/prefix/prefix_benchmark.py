"""Measures how soon the first token of a long prompt comes that another worker has computed.

usage: prefix_benchmark.py ROOT MODEL FOLDER [--rounds N] [--tokens N] [--threads N] [--seed N]

In every round a new prompt is asked for three times, greedily: computed; after the worker was killed
and started again (SIGKILL), from the KV store's memory; after the whole mesh was killed and started
again, from the store's disk. FOLDER is empty and private; sockets and segments go there.
"""

import argparse
import contextlib
import glob
import os
import random
import signal
import statistics
import subprocess
import sys
import time

import grpc

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/..")
import meshes


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Mesh:
    """One `weft up` and its children."""

    def __init__(self, options):
        self.gateway = f"unix:{options.folder}/gateway.sock"
        self.folder = options.folder
        environment = dict(os.environ, XDG_RUNTIME_DIR=options.folder, WEFT_LOG_LEVEL="critical")
        self.process = subprocess.Popen(
            [
                f"{options.root}/.build/release/weft", "up", "--model", options.model,
                "--listen", self.gateway, "--threads", str(options.threads), "--ask", "",
                "--store-directory", f"{options.folder}/segments",
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            children = [int(pid) for pid in file.read().split()]
        for task in glob.glob(f"/proc/{self.process.pid}/task/*/children"):
            with open(task) as file:
                children += [int(pid) for pid in file.read().split()]
        return set(children)

    def worker(self):
        for pid in self.children():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline") as file:
                if file.read().split("\0")[0].endswith("weft-worker"):
                    return pid
        return None

    def kill_worker(self):
        old = self.worker()
        os.kill(old, signal.SIGKILL)
        while self.worker() in (None, old):
            time.sleep(0.01)

    def kill(self):
        """Everything at once, in no order."""
        children = self.children()
        self.process.send_signal(signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(is_alive(pid) for pid in children):
            time.sleep(0.01)

    def store(self):
        return f"unix:{max(glob.glob(f'{self.folder}/weft-*/kvstore.sock'), key=os.path.getmtime)}"


class Answer:
    """A greedy answer, and when its first token came."""

    def __init__(self, mesh, text, max_tokens=16):
        from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

        request = gateway_pb2.GenerateRequest(text=text)
        request.options.max_tokens = max_tokens
        request.options.ignore_eos = True
        self.ids, self.text, self.milliseconds = [], "", None
        with grpc.insecure_channel(mesh.gateway) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
            start = time.monotonic()
            for part in gateway_pb2_grpc.GatewayServiceStub(channel).Generate(request, timeout=120):
                if part.token_ids and self.milliseconds is None:
                    self.milliseconds = (time.monotonic() - start) * 1000
                self.ids += part.token_ids
                self.text += part.text
                if part.HasField("finish"):
                    self.usage = part.finish.usage


def wait_until_ready(mesh):
    """The mesh has answered something that no prefix helps with."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return Answer(mesh, "Hello", max_tokens=2)
        except (grpc.RpcError, grpc.FutureTimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def wait_until_stored(mesh, tokens):
    """All full blocks of the prompt are in the store's memory and on its disk."""
    from weft.kvstore.v1 import kvstore_pb2, kvstore_pb2_grpc

    with grpc.insecure_channel(mesh.store()) as channel:
        store = kvstore_pb2_grpc.KVStoreServiceStub(channel)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status = store.GetStatus(kvstore_pb2.GetStatusRequest(), timeout=5)
            if min(status.memory.stored_total, status.disk.stored_total) >= tokens // 16:
                return
            time.sleep(0.02)
    raise SystemExit(f"not everything was stored: {status}")


def drop_page_cache():
    os.sync()
    with contextlib.suppress(OSError), open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def measure(options, make_prompt):
    prompt = make_prompt()
    mesh = Mesh(options)
    try:
        wait_until_ready(mesh)
        answers = {"computed": Answer(mesh, prompt)}
        wait_until_stored(mesh, answers["computed"].usage.prompt_tokens)
        mesh.kill_worker()
        wait_until_ready(mesh)
        answers["memory"] = Answer(mesh, prompt)
        mesh.kill()
        drop_page_cache()
        mesh = Mesh(options)
        wait_until_ready(mesh)
        answers["disk"] = Answer(mesh, prompt)
        return answers
    finally:
        mesh.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    meshes.load_stubs(f"{options.root}/protos")
    generator = random.Random(options.seed)
    words = meshes.words_of(options.root)

    mesh = Mesh(options)
    try:
        wait_until_ready(mesh)
        sample = " ".join(generator.choices(words, k=200))
        tokens_per_word = Answer(mesh, sample, max_tokens=1).usage.prompt_tokens / 200
    finally:
        mesh.kill()
    count = int(options.tokens / tokens_per_word)

    kinds = ["computed", "memory", "disk"]
    times = {kind: [] for kind in kinds}
    equal = 0
    print(f"seed {options.seed}, {options.threads} threads; TTFT in ms (prompt tokens not computed)")
    print("round  tokens" + "".join(f"{kind:>18}" for kind in kinds) + "  load  outputs")
    for number in range(1, options.rounds + 1):
        answers = measure(options, lambda: " ".join(generator.choices(words, k=count)))
        outputs = {(tuple(answer.ids), answer.text) for answer in answers.values()}
        equal += len(outputs) == 1
        row = f"{number:5}{answers['computed'].usage.prompt_tokens:8}"
        for kind in kinds:
            answer = answers[kind]
            times[kind].append(answer.milliseconds)
            row += f"{answer.milliseconds:11.0f} ({answer.usage.cached_prompt_tokens:4})"
        row += f"{os.getloadavg()[0]:6.1f}  {'equal' if len(outputs) == 1 else 'DIFFERENT'}"
        print(row, flush=True)
    medians = {kind: statistics.median(times[kind]) for kind in kinds}
    print("median       " + "".join(f"{medians[kind]:11.0f}       " for kind in kinds))
    for kind in kinds[1:]:
        ratios = [cold / warm for cold, warm in zip(times["computed"], times[kind])]
        print(
            f"computed / {kind}: {medians['computed'] / medians[kind]:.1f} of the medians, "
            f"{statistics.median(ratios):.1f} median of the rounds ({min(ratios):.1f} to {max(ratios):.1f})"
        )
    print(f"outputs equal in {equal} of {options.rounds} rounds")
    raise SystemExit(0 if equal == options.rounds else 1)


if __name__ == "__main__":
    main()
