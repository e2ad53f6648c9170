#!/usr/bin/env python3
"""Checks the example configuration with a real nginx: what the programs receive through it is what
nginx understood, whatever a caller writes, and nobody chooses the address it is counted under.

One name of the configuration leads to a real gateway, the other to a recorder, which keeps every
byte that it receives. Needs nginx, openssl and cargo; the last line counts the failures.
"""

import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "deploy/nginx"
GATEWAY, SERVIDOR = "postos.example.com", "servidor.example.com"
LIMIT = 20
WAIT = 10
# What an attacker hides in a body.
HIDDEN = (
    "GET /status HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 203.0.113.66\r\n"
    "X-Request-Id: hidden\r\n\r\n"
)
# A request for this path is received, and its connection is closed without an answer.
CUT_OFF = "/cut_off"
failures = 0


def check(name, holds, shown=""):
    global failures
    print(f"{'ok' if holds else 'FAILED'}: {name}{'' if holds else f': {shown}'}")
    failures += not holds


def free_port(numbers=itertools.count(os.getpid())):
    """A port that no program listens on, below the range for outgoing connections."""
    for number in numbers:
        port = 29000 + number % 3000
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Recorder:
    """An HTTP server that keeps what it receives."""

    def __init__(self):
        self.messages, self.connections, self.lock = [], 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        rest = b""
        while data := connection.recv(65536):
            found, rest = messages(rest + data)
            with self.lock:
                self.messages += found
            if any(line.split(" ")[1] == CUT_OFF for line, *_ in found):
                connection.close()
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" * len(found))

    def take(self, least=0):
        """All messages since the last time; waits for at least so many."""
        time.sleep(0.1)
        end = time.monotonic() + WAIT
        while len(self.messages) < least and time.monotonic() < end:
            time.sleep(0.02)
        with self.lock:
            taken, self.messages = self.messages, []
        return taken


def messages(rest):
    """The requests in these bytes, as a strict reader sees them: (line, headers, body); and the rest."""
    found = []
    while b"\r\n\r\n" in rest:
        head, _, body = rest.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = [tuple(part.strip(" \t") for part in field.split(":", 1)) for field in fields]
        length = int(next(iter(values(headers, "content-length")), 0))
        if len(body) < length:
            break
        found.append((line, headers, body[:length]))
        rest = body[length:]
    return found, rest


def values(headers, name):
    return [value for found, value in headers if found.lower() == name]


class Nginx:
    def __init__(self, folder, gateway_port, recorder_port):
        self.folder, self.port, self.any_port = folder, free_port(), free_port()
        for name in ("gateway", "servidor"):
            host = GATEWAY if name == "gateway" else SERVIDOR
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", f"/CN={host}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
                check=True, capture_output=True)
        text = (HERE / "postos.conf").read_text()
        text = re.sub(r"listen \[::\]:443[^;]*;\n", "", text).replace("listen 443", f"listen 127.0.0.1:{self.port}")
        text = text.replace("127.0.0.1:8001", f"127.0.0.1:{gateway_port}")
        text = text.replace("server 127.0.0.1:8000", f"server 127.0.0.1:{recorder_port}")
        text = text.replace("/etc/nginx/postos/", f"{folder}/")
        (folder / "postos.conf").write_text(text)
        text = (HERE / "proxy.conf").read_text()
        (folder / "proxy.conf").write_text(text.replace("/var/log/nginx/", f"{folder}/"))
        user = "user root;" if os.geteuid() == 0 else ""
        paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}\n"
            "events {}\n"
            f"http {{ {paths}\n access_log {folder}/access.log;\n include {folder}/postos.conf;\n"
            # Callers of any address, which X-Caller names: a machine has few of its own.
            f"server {{ listen 127.0.0.1:{self.any_port}; set_real_ip_from 127.0.0.1; real_ip_header X-Caller;\n"
            f" include {folder}/proxy.conf; location / {{ proxy_pass http://postos_servidor; }} }} }}\n")
        tested = subprocess.run(self.command("-t"), capture_output=True, text=True)
        check("nginx takes the configuration without a warning",
              tested.returncode == 0 and "warn" not in tested.stderr, tested.stderr)
        self.process = subprocess.Popen(self.command(), stderr=subprocess.DEVNULL)
        wait_for(lambda: connects(self.port), "nginx listens")

    def command(self, *arguments):
        return ["nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c", self.folder / "nginx.conf", *arguments]

    def forwarded(self, host):
        """How many requests for this name it has passed on."""
        time.sleep(0.3)
        lines = (self.folder / "postos.log").read_text().splitlines()
        return sum(f" {host} " in line and not line.endswith(" -") for line in lines)

    def logged(self, text):
        """The lines of all logs that have this text."""
        lines = [line for log in self.folder.glob("*.log") if log.name != "gateway.log"
                 for line in log.read_text().splitlines()]
        return [line for line in lines if text in line]

    def send(self, host, text, source="127.0.0.1", wait=1.0):
        """What is answered to these bytes until the connection is closed or quiet."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), WAIT, (source, 0)) as plain:
            with context.wrap_socket(plain, server_hostname=host) as connection:
                connection.settimeout(wait)
                answer = b""
                try:
                    connection.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
                    while data := connection.recv(65536):
                        answer += data
                except OSError:
                    pass
                return answer.decode("latin-1")


    def send_from(self, callers):
        """The statuses of one request of each caller, whatever its address, on one connection."""
        requests = "".join(f"GET / HTTP/1.1\r\nHost: any\r\nX-Caller: {caller}\r\n\r\n" for caller in callers)
        with socket.create_connection(("127.0.0.1", self.any_port), WAIT) as connection:
            connection.sendall(requests.encode())
            connection.settimeout(WAIT)
            answer = b""
            while answer.count(b"HTTP/1.1 ") < len(callers) and (data := connection.recv(65536)):
                answer += data
        return [part[:3].decode() for part in answer.split(b"HTTP/1.1 ")[1:]]


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def settles(holds):
    """Whether it holds within the time that is waited for anything."""
    end = time.monotonic() + WAIT
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def wait_for(holds, what):
    if not settles(holds):
        sys.exit(f"timed out waiting until {what}")


def status_of(answer):
    return answer.split(" ")[1] if answer.upper().startswith("HTTP/") else "closed"


def attacks(host):
    """Bytes in which two programs might see different requests, by name."""
    hidden = HIDDEN.format(host=host)
    chunked = f"0\r\n\r\n{hidden}"

    def post(fields, body):
        return f"POST /reservar HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{fields}\r\n{body}"

    length = f"Content-Length: {len(chunked)}\r\n"
    encodings = [
        "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked", "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: \"chunked\"", "Transfer_Encoding: chunked", "transfer-encoding: CHUNKED",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "X: y\r\n Transfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked",
        "Transfer-Encoding\0: chunked", "Transfer-Encoding: chunked\0", " Transfer-Encoding: chunked",
        "Transfer-Encoding\r\n : chunked", "\x00Transfer-Encoding: chunked", "Connection: Content-Length",
    ]
    for encoding in encodings:
        yield f"length and {encoding!r}", post(f"{length}{encoding}\r\n", chunked)
        yield f"{encoding!r} and length", post(f"{encoding}\r\n{length}", chunked)
        yield f"{encoding!r}", post(f"{encoding}\r\n", chunked)
    lengths = [
        ("0", str(len(hidden))), (str(len(hidden)), "0"), ("0, " + str(len(hidden)),), ("+0",), ("-1",),
        ("0x10",), ("1e3",), ("0 1",), ("",), ("99999999999999999999",), ("\x0b0",), ("0\0",), ("00",),
    ]
    for each in lengths:
        yield f"lengths {each}", post("".join(f"Content-Length: {one}\r\n" for one in each), hidden)
    yield "Content_Length", post("Content_Length: 0\r\nContent-Length: 2\r\n", "{}" + hidden)
    for size in ["0;\n\r\n", "0\n\n", "00000000000000000000\r\n\r\n", "fffffffffffffffff\r\n\r\n", "0x0\r\n\r\n",
                 "-1\r\n\r\n", "0\r\r\n\r\n", "2\r\n{}0\r\n\r\n", "0\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n"]:
        yield f"chunk size {size!r}", post("Transfer-Encoding: chunked\r\n", size + hidden)
    yield "a body of a GET", f"GET /status HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(hidden)}\r\n\r\n{hidden}"
    yield "an old version", f"POST /reservar HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"
    yield "no version", f"GET /status\r\nHost: {host}\r\n\r\n{hidden}"
    yield "an upgrade", (f"GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                         f"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n{hidden}")
    yield "two hosts", f"GET /status HTTP/1.1\r\nHost: {host}\r\nHost: other\r\n\r\n"
    yield "a line break in the path", f"GET /status%0d%0aX-Forwarded-For:%20203.0.113.66 HTTP/1.1\r\nHost: {host}\r\n\r\n"
    yield "pipelined", f"GET /status HTTP/1.1\r\nHost: {host}\r\n\r\n{hidden}{hidden}"


def check_recorded(nginx, recorder):
    """Through the name of the servidor."""
    source, tried, seen = "127.0.0.5", 0, 0
    for name, text in attacks(SERVIDOR):
        tried += 1
        nginx.send(SERVIDOR, text, source, 0.2)
        for line, headers, _ in recorder.take():
            seen += 1
            wrong = [one for one in (
                values(headers, "x-forwarded-for") != [source] and "X-Forwarded-For",
                values(headers, "host") != [SERVIDOR] and "Host",
                len(values(headers, "content-length")) > 1 and "two lengths",
                values(headers, "transfer-encoding") and "Transfer-Encoding",
                any("_" in one or one != one.strip() for one, *_ in headers) and "a header's name",
                not re.fullmatch(r"[A-Z]+ /\S* HTTP/1\.1", line) and "request line",
            ) if one]
            if wrong:
                check(f"{name}: what is passed on", False, f"{wrong} in {line} {headers}")
    check(f"{tried} ambiguous requests: what is passed on ({seen}) is one whole request each", seen > 3)
    recorder.take()
    nginx.send(SERVIDOR, f"GET /x HTTP/1.1\r\nHost: {SERVIDOR}\r\nConnection: X-Forwarded-For, Host\r\n"
               "X-Forwarded-For: 203.0.113.66\r\nX-Forwarded-For: 203.0.113.67\r\nX_Forwarded_For: 203.0.113.68\r\n"
               "Forwarded: for=203.0.113.69\r\nX-Real-IP: 203.0.113.70\r\n\r\n", source)
    _, headers, _ = recorder.take(1)[0]
    check("headers about the caller are nginx's alone", values(headers, "x-forwarded-for") == [source]
          and "203.0.113" not in str(headers), headers)
    recorder.take()
    nginx.send(SERVIDOR, f"GET https://{SERVIDOR}/x HTTP/1.1\r\nHost: other.example\r\n\r\n", source)
    line, headers, _ = recorder.take(1)[0]
    check("an absolute address is passed on as a path", (line, values(headers, "host")) ==
          ("GET /x HTTP/1.1", [SERVIDOR]), (line, headers))
    other = nginx.send(SERVIDOR, f"GET https://other.example/x HTTP/1.1\r\nHost: {SERVIDOR}\r\n\r\n", source)
    check("another name in the address gets no answer", not recorder.take() and status_of(other) in ("closed", "421"), other)
    unknown = nginx.send(SERVIDOR, f"POST {CUT_OFF} HTTP/1.1\r\nHost: {SERVIDOR}\r\nContent-Length: 0\r\n\r\n", source)
    check("a request that ended with its program is answered as unknown, and was not sent again",
          (status_of(unknown), len(recorder.take(1))) == ("504", 1) and '"codigo":"tempo_esgotado"' in unknown
          and "access-control-allow-origin: *" in unknown.lower() and "strict-transport-security" in unknown.lower(), unknown)
    before = recorder.connections
    nginx.send(SERVIDOR, f"POST /x HTTP/1.1\r\nHost: {SERVIDOR}\r\nContent-Length: 50\r\n\r\n{{", source)
    check("a body that does not come keeps no connection of the program",
          (recorder.connections, recorder.take()) == (before, []))


def check_callers(nginx):
    """Who has one limit: an IPv4 address, and a /64 of IPv6, however its addresses are written."""
    for many, same, other in (
        ("2001:db8::{:x}", "2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8:0:1::1"),
        ("2001:db8:a0a:a0a:{:x}::a0a", "2001:db8:a0a:a0a::1", "2001:db8:a0a:a0b:0::a0a"),
        ("10.11.12.13", "10.11.12.13", "10.11.12.14"),
        ("::ffff:10.11.13.1", "::ffff:10.11.13.1", "::ffff:10.11.13.2"),
    ):
        # More than the burst, of as many addresses.
        statuses = nginx.send_from([many.format(number + 1) for number in range(200)])
        check(f"200 requests of {many} are too many", statuses.count("429") > 50, statuses)
        # Time allows some again.
        found = nginx.send_from([same] * 100 + [other])
        check(f"{same} has its limit in common with them, and {other} has not",
              found[:100].count("429") > 20 and found[100:] == ["200"], found)


def log_of(folder):
    lines = (folder / "gateway.log").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line.get("message") == "answered"]


def get(path, host=GATEWAY, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"


def check_gateway(nginx, folder, port):
    """Through the name of the gateway."""
    answer = nginx.send(GATEWAY, get("/status"), "127.0.0.11").lower()
    check("the gateway answers", status_of(answer) == "200", answer)
    check("its headers pass, and HSTS comes besides", all(name in answer for name in (
        "x-content-type-options: nosniff", "x-frame-options: deny", "cache-control: no-store",
        "strict-transport-security: max-age")), answer)
    # A caller that gives up takes its request back from nginx, so each waits for a while.
    with ThreadPoolExecutor(16) as callers:
        sent = [callers.submit(nginx.send, GATEWAY, text, f"127.0.1.{number % 200 + 1}", 2)
                for number, (_, text) in enumerate(attacks(GATEWAY))]
    for one in sent:
        one.result()
    def counts():
        return nginx.forwarded(GATEWAY), len(log_of(folder))

    # Twice the same: they may be equal while each has one more to log.
    are_equal = settles(lambda: (seen := counts())[0] == seen[1] and counts() == seen)
    check(f"the gateway answers what nginx has passed on {counts()}, and no more", are_equal, counts())

    def allowed(source, via=None):
        """Whether as many are answered as may be, and as time has allowed meanwhile; the others are refused."""
        statuses, begun = [], time.monotonic()
        for number in range(LIMIT + 10):
            more = f"X-Forwarded-For: 203.0.113.{number}\r\nX_Forwarded_For: 203.0.113.{number}\r\n"
            text = get("/status", more=more)
            statuses.append(status_of(via(text) if via else nginx.send(GATEWAY, text, source, WAIT)))
        since = (time.monotonic() - begun) * LIMIT / 60
        check(f"from {source} only 200 and 429", set(statuses) == {"200", "429"}, statuses)
        return LIMIT <= statuses.count("200") <= LIMIT + 1 + since

    check("X-Forwarded-For from outside moves no limit", allowed("127.0.0.21"))
    check("another address has its own", allowed("127.0.0.22"))

    def direct(text):
        with socket.create_connection(("127.0.0.1", port), WAIT, ("127.0.0.23", 0)) as connection:
            connection.sendall(text.encode())
            return connection.recv(65536).decode()

    check("nor does it past the proxy", allowed("127.0.0.23", direct))
    answer = nginx.send(GATEWAY, f"GET /eventos HTTP/1.1\r\nHost: {GATEWAY}\r\n\r\n", "127.0.0.24", 2)
    check("events pass as they come", status_of(answer) == "200" and "retry: 2000" in answer, answer)
    check("no path is in a log of nginx", not nginx.logged("/status"), nginx.logged("/status"))
    large = nginx.send(GATEWAY, f"POST /reservar HTTP/1.1\r\nHost: {GATEWAY}\r\nContent-Length: 200000\r\n\r\n", "127.0.0.31")
    check("nginx's own errors have the one shape", status_of(large) == "413" and '"codigo":"corpo_grande_demais"' in large, large)


def check_down(nginx):
    """What nginx itself says, while the gateway is down."""
    down = nginx.send(GATEWAY, get("/status"), "127.0.0.41")
    check("a program that is down: 504 in the one shape",
          status_of(down) == "504" and '"codigo":"tempo_esgotado"' in down, down)
    browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    check_page("a page that is opened while the program is down",
               nginx.send(GATEWAY, get("/", more=browser), "127.0.0.42"), "504")
    for name, text in (
        ("a POST of a browser", get("/reservar", more=f"Content-Length: 0\r\n{browser}").replace("GET", "POST", 1)),
        ("a script's GET", get("/postos", more="Accept: */*\r\n")),
        ("a stream of events", get("/eventos", more="Accept: text/event-stream\r\n")),
    ):
        answer = nginx.send(GATEWAY, text, "127.0.0.43")
        check(f"{name} is answered in the one shape", status_of(answer) == "504"
              and "content-type: application/json" in answer.lower() and '"codigo":"tempo_esgotado"' in answer, answer)
    # More than the burst of nginx's own bound, on one connection.
    page = get("/", more=browser).replace("Connection: close\r\n", "")
    answers = nginx.send(GATEWAY, page * 300, "127.0.0.44").split("HTTP/1.1 ")
    refused = [f"HTTP/1.1 {answer}" for answer in answers if answer.startswith("429")]
    check("too many requests for pages are refused", len(refused) > 50, len(refused))
    check_page("a page that is refused", refused[0] if refused else "", "429", "retry-after: 5")


def check_page(name, answer, status, *more):
    """A page of nginx's own, which loads itself again and nothing else."""
    lower = answer.lower()
    has = all(part in lower for part in (
        "content-type: text/html; charset=utf-8", "strict-transport-security: max-age", "access-control-allow-origin: *",
        "content-security-policy: default-src 'none'", '<html lang="pt-br">', '<meta http-equiv="refresh"', *more))
    check(f"{name}: {status} as HTML that tries again", status_of(answer) == status and has
          and not re.search("<script|<style|<link| on[a-z]+=|json", lower), answer)


def main():
    # With the servidor, as the tests build it: other features would replace a program that they start.
    packages = ["--package", "server", "--package", "client"]
    subprocess.run(["cargo", "build", "--quiet", "--locked", *packages], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with tempfile.TemporaryDirectory() as name:
        folder, port, recorder = Path(name), free_port(), Recorder()
        settings = {"MQTT_CLIENT_ID": "cliente1", "MQTT_BROKER": "127.0.0.1", "MQTT_PORT": "1",
                    "HTTP_ADDR": f"127.0.0.1:{port}", "PROXIES_CONFIAVEIS": "127.0.0.1",
                    "LIMITE_POR_MINUTO": str(LIMIT)}
        with open(folder / "gateway.log", "w") as log:
            gateway = subprocess.Popen([target / "debug/client"], env=settings, stdout=log, stderr=log)
        nginx = None
        try:
            wait_for(lambda: connects(port), "the gateway listens")
            nginx = Nginx(folder, port, recorder.port)
            check_recorded(nginx, recorder)
            check_callers(nginx)
            check_gateway(nginx, folder, port)
            gateway.terminate()
            gateway.wait(WAIT)
            check_down(nginx)
        finally:
            for process in filter(None, (gateway, nginx and nginx.process)):
                process.terminate()
                process.wait(WAIT)
    print(f"nginx: {failures} failed")
    sys.exit(failures > 0)


main()
