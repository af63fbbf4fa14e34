"""Prints the engine's speed next to llama.cpp's: the same model file, and llama.cpp's best 4-bit format.

usage: llama_benchmark.py ENGINE_BENCHMARK LLAMA_BIN MODEL Q4_0_MODEL [--runs N] [--threads N]

Every run measures ours, llama.cpp on the same file and llama.cpp on its Q4_0 one after the other;
medians of the runs are printed, and ratios of the medians.
"""

import argparse
import json
import re
import statistics
import subprocess

PREFILLS, BATCHES, CONTEXT, STEPS = [128, 512, 2048], [1, 16, 32], 64, 32


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def ours(options):
    text = output(options.engine, options.model, "--runs", "1", "--threads", str(options.threads),
                  "--instruction-set", options.instruction_set)
    lines = re.findall(r"^(prefill \d+|decode, batch \d+) +(\d+)", text, re.MULTILINE)
    return {work.replace(", batch", ""): float(speed) for work, speed in lines}


def llama(options, model):
    threads = ["-t", str(options.threads)]
    speeds = {}
    lengths = ",".join(map(str, PREFILLS))
    bench = [f"{options.llama}/llama-bench", "-m", model, "-p", lengths, "-n", "0", "-r", "1", "-fa", "1", "-o", "json"]
    for entry in json.loads(output(*bench, *threads)):
        speeds[f"prefill {entry['n_prompt']}"] = entry["avg_ts"]
    batches = ",".join(map(str, BATCHES))
    batched = [
        f"{options.llama}/llama-batched-bench", "-m", model, "-c", str(max(BATCHES) * (CONTEXT + STEPS)), "-b", "2048",
        "-npp", str(CONTEXT), "-ntg", str(STEPS), "-npl", batches, "-fa", "on", "--output-format", "jsonl",
    ]
    for line in output(*batched, *threads).splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            speeds[f"decode {entry['pl']}"] = entry["speed_tg"]
    return speeds


def main():
    parser = argparse.ArgumentParser()
    for name in ("engine", "llama", "model", "q4_0"):
        parser.add_argument(name)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--instruction-set", default="best")
    options = parser.parse_args()
    contestants = {
        "weft": lambda: ours(options),
        "llama.cpp": lambda: llama(options, options.model),
        "llama.cpp Q4_0": lambda: llama(options, options.q4_0),
    }
    speeds = {name: [] for name in contestants}
    for _ in range(options.runs):
        for name, measure in contestants.items():
            speeds[name].append(measure())
    print(f"tokens/s, medians of {options.runs} runs (slowest to fastest), {options.threads} threads")
    print(f"{'':14}" + "".join(f"{name:>24}" for name in contestants) + f"{'ratios':>16}")
    for work in [f"prefill {n}" for n in PREFILLS] + [f"decode {n}" for n in BATCHES]:
        row, medians = f"{work:14}", []
        for name in contestants:
            values = [run[work] for run in speeds[name]]
            medians.append(statistics.median(values))
            row += f"{medians[-1]:10.0f} ({min(values):4.0f} to {max(values):4.0f})"
        print(f"{row}{medians[0] / medians[1]:9.2f}{medians[0] / medians[2]:7.2f}")


if __name__ == "__main__":
    main()
