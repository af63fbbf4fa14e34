"""Cuts the KV store off the network while requests run, and checks that no request notices.

usage: partition_check.py ROOT MODEL FOLDER [--rounds N] [--seed N]

To be run as root in a network namespace of its own (`unshare --net --mount`). The store is another
host: a second namespace with a veth pair between. In every round four greedy requests run, two of them
with prompts that the store has, on a worker whose memory holds two of them; at a random time all
packets between the hosts begin to be dropped, without a word, and later pass again. Every answer has to
be the one that a mesh without a store gives. FOLDER is empty and private.
"""

import argparse
import concurrent.futures
import contextlib
import os
import random
import subprocess
import sys
import time

sys.path[:0] = [f"{os.path.dirname(os.path.abspath(__file__))}/{folder}" for folder in ("..", "../handover")]
import handover_benchmark
import meshes

HERE, STORE = "10.99.0.1", "10.99.0.2:7703"
MAX_TOKENS = 48


def run(*command):
    subprocess.run(command, check=True)


def make_hosts():
    run("ip", "link", "set", "lo", "up")
    run("ip", "netns", "add", "store")
    run("ip", "link", "add", "mesh0", "type", "veth", "peer", "name", "store0", "netns", "store")
    run("ip", "addr", "add", f"{HERE}/24", "dev", "mesh0")
    run("ip", "link", "set", "mesh0", "up")
    run("ip", "-n", "store", "addr", "add", f"{STORE.split(':')[0]}/24", "dev", "store0")
    run("ip", "-n", "store", "link", "set", "store0", "up")


@contextlib.contextmanager
def partition():
    rules = [["iptables", "{}", chain, "-j", "DROP"] for chain in ("INPUT", "OUTPUT")]
    in_store = ["nsenter", "--net=/run/netns/store"]
    for rule in rules:
        run(*in_store, *[word.format("-A") for word in rule])
    try:
        yield
    finally:
        for rule in rules:
            run(*in_store, *[word.format("-D") for word in rule])


@contextlib.contextmanager
def services(options, name, store):
    def at(service):
        return f"unix:{options.folder}/{name}-{service}.sock"

    stores = ["--kvstores", store] if store else []
    commands = {
        "tokenizer": ["weft-tokenizer", "--model", options.model],
        "scheduler": ["weft-scheduler"] + stores,
        "worker": [
            "weft-worker", "--model", options.model, "--scheduler", at("scheduler"), "--kv-blocks", "90",
        ] + stores,
        "gateway": ["weft-gateway", "--tokenizer", at("tokenizer"), "--scheduler", at("scheduler")],
    }
    processes = []
    try:
        if store:
            listen = [f"{options.root}/.build/release/weft-kvstore", "--listen", store, "--log-level", "error"]
            processes.append(
                subprocess.Popen(["nsenter", "--net=/run/netns/store"] + listen + ["--memory-mib", "256"])
            )
        for service, (executable, *arguments) in commands.items():
            command = [f"{options.root}/.build/release/{executable}", "--listen", at(service), "--log-level", "error"]
            processes.append(subprocess.Popen(command + arguments))
        handover_benchmark.wait_until_ready(at("gateway"))
        yield at("gateway")
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    meshes.load_stubs(f"{options.root}/protos")
    make_hosts()
    generator = random.Random(options.seed)
    words = "time year people way day man thing woman life child world school state family group hand".split()
    prompts = [" ".join(generator.choices(words, k=500)) for _ in range(2 * options.rounds + 2)]
    ask = lambda gateway, prompt: handover_benchmark.tokens(gateway, prompt, MAX_TOKENS)
    with services(options, "plain", None) as gateway:
        expected = {prompt: ask(gateway, prompt) for prompt in prompts}
    print(f"seed {options.seed}: {len(prompts)} prompts have answers", flush=True)
    wrong = 0
    with services(options, "cut", STORE) as gateway, concurrent.futures.ThreadPoolExecutor(4) as pool:
        for prompt in prompts[:2]:
            wrong += ask(gateway, prompt) != expected[prompt]
        for number in range(options.rounds):
            fresh, known = prompts[2 * number + 2:2 * number + 4], prompts[2 * number:2 * number + 2]
            answers = {prompt: pool.submit(ask, gateway, prompt) for prompt in known + fresh}
            time.sleep(generator.uniform(0, 2))
            with partition():
                time.sleep(generator.uniform(0.2, 3))
            failed = 0
            for prompt, answer in answers.items():
                with contextlib.suppress(handover_benchmark.grpc.RpcError):
                    failed += answer.result() != expected[prompt]
                    continue
                failed += 1
            wrong += failed
            print(f"round {number + 1}: {4 - failed} of 4 as without a store", flush=True)
    print(f"{wrong} wrong answers")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
