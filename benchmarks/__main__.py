"""Run benchmarks: `python -m benchmarks` runs all of them in turn, `python -m benchmarks NAME ...` some.

Each benchmark is a module of this package with a `main()` that prints its figures. A new one is a file and a line in
`BENCHMARKS`.
"""

import argparse
import importlib
import sys

#: The name on the command line, and what it measures.
BENCHMARKS: dict[str, str] = {
    "core": "events a second through the core, and the share of each stage",
    "detect": "samples a second through the models on a real broker, beside the step alone; checkpoints",
    "counts": "storms and silences in simulated counts, beside the detector of samples",
    "growth": "the cost of one alert, and the memory, when there is more already",
    "http": "alerts a second by HTTP into a real host, and the CPU each costs",
    "indexing": "documents a second into Elasticsearch, beside the client's own helper; bytes an event on the disk",
    "index_kafka": "documents a second through the role index, beside the client's own helper",
    "ingest": "messages a second through the ingest hop, beside kafka-python alone",
    "joint": "relations that break between the series of one item, beside other models",
    "kill": "whether a replay killed again and again ends as an undisturbed one",
    "outage": "what an Elasticsearch that goes away costs: nothing lost, memory, catching up",
    "stop": "seconds until workers have stopped, whatever the broker does",
    "stream": "events a second and latency through workers on a real broker, beside the core",
    "quiet": "what the models make of ordinary traffic: incidents that samples open",
    "recorded_day": "grouping and root causes on simulated days, against the truth",
    "searches": "how long Kibana and a console wait, with 5 million events and 100,000 incidents in Elasticsearch",
    "trend": "false alarms, lead, forecasts, speed and state of the models on simulated series",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks named in `arguments`, or all; `--list` only lists them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Print figures for speed and quality.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS) or 'none yet'}")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and stop")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are: {', '.join(BENCHMARKS) or 'none yet'})")
    if options.list:
        for name, measures in BENCHMARKS.items():
            print(f"{name:<16} {measures}")
        return 0
    for name in options.names or BENCHMARKS:
        print(f"== {name}: {BENCHMARKS[name]}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
