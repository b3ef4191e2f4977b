"""Real servers for the tests: started on free ports of loopback, stopped at the end, and by themselves after 15 minutes."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(
    os.environ.get("COSTSPAN_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "costspan"
)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def get(url, **query):
    """The body of an answer with status 200."""
    full = f"{url}?{urllib.parse.urlencode(query)}" if query else url
    with urllib.request.urlopen(full, timeout=180) as answer:
        return answer.read()


def wait_until(true, seconds=30.0, what="it"):
    """Ask again every tenth of a second; what `true` returned, once it is true."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s (last: {value!r})"
        time.sleep(0.1)
    return value


class Server:
    """A server process; `log` is what it wrote."""

    def __init__(self, command, home, ready, env=None):
        self.command, self.home, self.ready = command, Path(home), ready
        self.env = {**os.environ, **(env or {})}
        self.home.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self):
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["timeout", "--kill-after=5", "900", *map(str, self.command)], stdout=log, stderr=log, env=self.env
            )
        wait_until(self.is_ready, what=f"{self.command[0]}: {self.log[-2000:]}")

    def is_ready(self):
        assert self.process.poll() is None, self.log[-3000:]
        try:
            get(self.ready)
        except urllib.error.HTTPError as error:
            return error.code < 500  # it answers
        except OSError:
            return False
        return True

    @property
    def log(self):
        return (self.home / "log").read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def restart(self):
        self.stop()
        self.start()


class Queries:
    """The query API that Prometheus and VictoriaMetrics share."""

    url: str

    def query(self, expr, at=None):
        """Instant result as a list of (labels, value)."""
        given = {"query": expr} | ({"time": at} if at else {})
        result = json.loads(get(f"{self.url}/api/v1/query", **given))["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def query_range_times(self, expr, start, end, step):
        """Range result as a list of (labels, (time, text) pairs)."""
        text = get(f"{self.url}/api/v1/query_range", query=expr, start=start, end=end, step=step)
        return [(each["metric"], each["values"]) for each in json.loads(text)["data"]["result"]]

    def query_range(self, expr, start, end, step):
        """Range result as a list of (labels, values)."""
        result = self.query_range_times(expr, start, end, step)
        return [(labels, [float(value) for _, value in values]) for labels, values in result]

    def value(self, expr, at=None):
        """The only value of an expression; NaN if there is none."""
        result = self.query(expr, at)
        assert len(result) <= 1, result
        return result[0][1] if result else math.nan

    def series(self, match):
        return json.loads(get(f"{self.url}/api/v1/series", **{"match[]": match, "start": time.time() - 10**8}))["data"]


class Prometheus(Server, Queries):
    """Debian's Prometheus. `config` is a dict, written as JSON, which is YAML."""

    def __init__(self, home, config=None, *flags, binary="prometheus"):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        home = Path(home)
        home.mkdir(parents=True, exist_ok=True)
        (home / "prometheus.yml").write_text(json.dumps(config or {"global": {"scrape_interval": "1h"}}))
        command = [
            shutil.which(binary) or binary,
            f"--config.file={home}/prometheus.yml",
            f"--storage.tsdb.path={home}/data",
            "--storage.tsdb.retention.time=10y",
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *flags,
        ]
        super().__init__(command, home, f"{self.url}/-/ready")


class VictoriaMetrics(Server, Queries):
    """VictoriaMetrics, single node, with the Prometheus names for OTLP."""

    def __init__(self, home, *flags):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            CACHE / "tools/victoria-metrics/usr/bin/victoria-metrics",
            f"-storageDataPath={home}/data",
            "-retentionPeriod=10y",
            "-opentelemetry.usePrometheusNaming",
            "-search.latencyOffset=0s",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            *flags,
        ]
        super().__init__(command, home, f"{self.url}/health")

    def flush(self):
        get(f"{self.url}/internal/force_flush")


class Collector(Server):
    """Our Collector on one or more of collector-config's files."""

    def __init__(self, binary, home, *configs, **env):
        self.http, self.grpc, self.own, self.metrics = free_port(), free_port(), free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self.http}"
        given = {
            "COSTSPAN_OTLP_HTTP": f"127.0.0.1:{self.http}",
            "COSTSPAN_OTLP_GRPC": f"127.0.0.1:{self.grpc}",
            "COSTSPAN_SELF_PORT": str(self.own),
            "COSTSPAN_METRICS": f"127.0.0.1:{self.metrics}",
            "COSTSPAN_HEALTH": f"127.0.0.1:{free_port()}",
            "COSTSPAN_QUEUE_DIR": f"{home}/queue",
            "COSTSPAN_CLICKHOUSE_WAIT": "200ms",
            **env,
        }
        command = [binary]
        for config in configs:
            path = ROOT / "collector-config" / str(config)
            command += ["--config", path if path.exists() else config]
        super().__init__(command, home, f"http://127.0.0.1:{self.own}/metrics", given)

    def counted(self, name):
        """The sum of one of the Collector's own counters."""
        lines = get(f"http://127.0.0.1:{self.own}/metrics").decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))
