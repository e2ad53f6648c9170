#!/usr/bin/env python3
"""Runs the READMEs: every command as pasted, and every output shown compared.

    readme.py local            what needs this machine only, in namespaces of its own (util-linux)
    readme.py docker           what needs Docker; run it in a copy of the project, whose containers
                               and volumes `down -v` may remove
    readme.py paste [YAML]     pastes its blocks, or YAML, into docker-compose.yml
    readme.py host A|B         prints the commands for one of two hosts, which two_hosts.sh runs

A block ```sh holds commands; a block ```text or ```json after it, what they print (`…` stands for
anything, blanks and lines do not count, other ids and times are allowed); a block ```yaml belongs
into docker-compose.yml; a block without a language is a drawing. A block that fits no runner is an
error. README.pt-BR.md must have the same blocks, and so need not run again.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, PORTUGUESE = "README.md", "README.pt-BR.md"

# Which runner has a command, by the program that it calls.
RUNNERS = {
    "cargo": "local",
    "curl": "local",
    "mosquitto_pub": "local",
    "mosquitto_sub": "local",
    "docker": "docker",
    "docker-compose": "docker",
}
# Programs that every system has; they run where the rest of their block does.
EVERYWHERE = {"cp", "cut", "echo", "mkdir", "sleep", "umask"}

# Programs that run until they are stopped, and how to know that one is ready.
FOREGROUND = [
    (r"^cargo run --release$", lambda run: "everything is running" in run.output()),
    (r"\bcargo run --release --bin \w+$", lambda run: is_ready(run.setting("HTTP_ADDR"))),
    (r"^docker-compose up( --build)?$",
     lambda run: all(is_ready(f"localhost:{port}") for port in (8000, 8001, 8002, 8003))),
    (r"^docker-compose logs -f ", lambda run: run.output() != ""),
]
START_TIMEOUT, COMMAND_TIMEOUT, STOP_TIMEOUT = 1800, 3600, 60


class Failure(Exception):
    pass


class Block:
    def __init__(self, file, line, language, text):
        self.place, self.language, self.text = f"{file}:{line}", language, text

    def statements(self):
        """Its commands, each with the lines that its quotes span."""
        statement = ""
        for line in self.text.splitlines():
            statement += line + "\n"
            complete = subprocess.run(["bash", "-n"], input=statement, text=True, stderr=subprocess.DEVNULL)
            if complete.returncode == 0 and not line.endswith("\\"):
                if statement.strip():
                    yield statement.strip()
                statement = ""
        if statement:
            raise Failure(f"{self.place}: an incomplete command: {statement}")

    def programs(self):
        """The names of the programs that it calls."""
        quoted = re.compile(r"'[^']*'|\"[^\"]*\"")
        for statement in self.statements():
            for part in re.split(r"\$\(|[|;&()]+", quoted.sub("_", statement)):
                words = [word for word in part.split() if not re.match(r"^\w+=", word)]
                if words and words[0] != "_":
                    yield words[0]

    def host(self):
        """Of a block that begins so, which of two hosts runs it."""
        found = re.match(r"# on host (\w)\n", self.text)
        return found and found[1]

    def runner(self):
        if self.host():
            return "two_hosts"
        names = set(self.programs())
        runners = {RUNNERS[name] for name in names if name in RUNNERS}
        unknown = names - RUNNERS.keys() - EVERYWHERE
        if unknown or len(runners) != 1:
            raise Failure(f"{self.place}: no runner for it: programs {sorted(names)}")
        return runners.pop()


def blocks(file):
    """The blocks of a README, drawings left out."""
    language = None
    for number, line in enumerate((ROOT / file).read_text().splitlines(), 1):
        fence = re.match(r"^```(\w*)$", line)
        if language is None and fence:
            language, start, text = fence[1], number, []
        elif language is None and line.lstrip().startswith("```"):
            raise Failure(f"{file}:{number}: a fence that is not understood: {line}")
        elif fence:
            if language not in ("sh", "text", "json", "yaml", ""):
                raise Failure(f"{file}:{start}: a block of the language {language}")
            if language:
                yield Block(file, start, language, "\n".join(text))
            language = None
        elif language is not None:
            text.append(line)
        else:
            check_prose(file, number, line)
    if language is not None:
        raise Failure(f"{file}:{start}: a block without an end")


def check_prose(file, number, line):
    """A command in the middle of a sentence would not be run. A program with only an option, and a
    command with a placeholder (FILE), are no commands to paste."""
    for code in re.findall(r"`([^`]+)`", line):
        words = code.replace("docker compose", "docker-compose").split()
        words = [word for word in words if not re.match(r"^\w+=", word)]
        arguments = [word for word in words[1:] if not word.startswith("-")]
        if words and words[0] in RUNNERS and arguments and not any(map(str.isupper, arguments)):
            raise Failure(f"{file}:{number}: put this command into a block: {code}")


def compared_blocks():
    """The blocks of the English README, after the Portuguese one was found to have the same."""
    english, portuguese = list(blocks(ENGLISH)), list(blocks(PORTUGUESE))
    for ours, theirs in zip(english, portuguese):
        if (ours.language, ours.text) != (theirs.language, theirs.text):
            raise Failure(f"{ours.place} and {theirs.place} differ")
    if len(english) != len(portuguese):
        raise Failure(f"{len(english)} blocks in {ENGLISH}, {len(portuguese)} in {PORTUGUESE}")
    previous = None
    for block in english:
        if block.language == "sh":
            block.runner()
        elif block.language != "yaml" and (previous is None or previous.language != "sh"):
            raise Failure(f"{block.place}: output that follows no command")
        previous = block
    return english


def matches(shown, printed):
    """Whether a program printed what a block shows."""
    pattern = re.escape(re.sub(r"\s+", "", shown))
    pattern = re.sub(r"…|\\\.\\\.\\\.", ".*", pattern)
    pattern = re.sub(r"[0-9a-f]{8}(\\-[0-9a-f]{4}){3}\\-[0-9a-f]{12}", "[0-9a-f-]{36}", pattern)
    pattern = re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:]+\\\.\d{3}Z", r"[0-9T:.-]+Z", pattern)
    return re.search(pattern, re.sub(r"\s+", "", printed)) is not None


def is_ready(address):
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class Foreground:
    """A program in a terminal of its own, until it is stopped."""

    def __init__(self, statement, work):
        self.statement = statement
        self.file = tempfile.NamedTemporaryFile(dir=work, suffix=".out", delete=False)
        self.errors = tempfile.NamedTemporaryFile(dir=work, suffix=".err", delete=False)
        self.process = subprocess.Popen(
            ["bash", "-c", statement], stdin=subprocess.DEVNULL, stdout=self.file,
            stderr=self.errors, start_new_session=True)

    def output(self):
        return Path(self.file.name).read_text(errors="replace")

    def error_tail(self):
        return Path(self.errors.name).read_text(errors="replace")[-3000:]

    def setting(self, name):
        return re.search(rf"\b{name}=(\S+)", self.statement)[1]

    def wait_until(self, ready):
        end = time.monotonic() + START_TIMEOUT
        while not ready(self):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"not ready, exit code {self.process.poll()}: {self.output()[-3000:]}"
                              f"{self.error_tail()}")
            time.sleep(0.2)

    def stop(self, interrupt):
        """Ends with Ctrl-C, or has ended with the last command."""
        if interrupt and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise Failure(f"does not stop: {self.statement}") from None
        if interrupt and code != 0:
            raise Failure(f"Ctrl-C: exit code {code}: {self.statement}\n{self.error_tail()}")


class Shell:
    """One bash, into which one command after the other is pasted."""

    def __init__(self, work):
        self.out, self.err = Path(work, "shell.out"), Path(work, "shell.err")
        self.process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=self.out.open("wb"), stderr=self.err.open("wb"))
        self.read = 0

    def run(self, statement):
        """What it prints; fails unless it succeeds. Jobs in the background are waited for."""
        mark = f"--{os.urandom(8).hex()}--"
        script = f"{{ {statement}\n}} </dev/null\nprintf '\\n{mark}%d\\n' $?\n"
        self.process.stdin.write(script.encode())
        self.process.stdin.flush()
        end = time.monotonic() + COMMAND_TIMEOUT
        while True:
            printed = self.out.read_bytes()[self.read:].decode(errors="replace")
            found = re.search(rf"\n{mark}(\d+)\n", printed)
            if found:
                break
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failure("it does not end")
            time.sleep(0.05)
        self.read += len(printed.encode())
        if found[1] != "0":
            raise Failure(f"exit code {found[1]}\n{printed[-30_000:]}{self.err.read_text()[-30_000:]}")
        return printed[:found.start()] + printed[found.end():]


class Story:
    """One run through the blocks of a README that one runner takes."""

    def __init__(self, work):
        self.work, self.shell, self.foreground = work, Shell(work), []

    def run(self, block):
        statements = list(block.statements())
        if len(statements) == 1:
            for pattern, ready in FOREGROUND:
                if re.search(pattern, statements[0]):
                    run = Foreground(statements[0], self.work)
                    self.foreground.append(run)
                    run.wait_until(ready)
                    return run.output()
        printed = "".join(self.shell.run(statement) for statement in statements)
        if any(statement.endswith("&") for statement in statements):
            printed += self.shell.run("wait")
        return printed

    def stop(self, interrupt):
        for run in reversed(self.foreground):
            run.stop(interrupt)

    def kill(self):
        for run in self.foreground:
            if run.process.poll() is None:
                os.killpg(run.process.pid, signal.SIGKILL)


def run_blocks(runner, work):
    story, printed, count = Story(work), None, 0
    try:
        for block in compared_blocks():
            if block.language == "yaml":
                if runner == "docker":
                    paste_yaml(block.text)
            elif block.language == "sh":
                printed = None
                if block.runner() == runner:
                    print(f"     {block.place}: {block.text.splitlines()[0]}", flush=True)
                    count += 1
                    try:
                        printed = story.run(block)
                    except Failure as failure:
                        raise Failure(f"{block.place}: {block.text}\n{failure}") from None
            elif printed is not None and not matches(block.text, printed):
                raise Failure(f"{block.place} shows\n{block.text}\nand what is printed is\n{printed[:3000]}")
        # With Docker, the last command of the README ends what runs.
        story.stop(interrupt=runner == "local")
    finally:
        story.kill()
    print(f"README, {runner}: {count} blocks ran, and {PORTUGUESE} has the same")


def paste_yaml(text):
    """Services go before the networks, a volume to the end of docker-compose.yml."""
    file = Path("docker-compose.yml")
    compose = file.read_text()
    if re.fullmatch(r"  \w+:", text):
        compose += text + "\n"
    else:
        compose = compose.replace("\nnetworks:\n", f"\n{text}\n\nnetworks:\n", 1)
    file.write_text(compose)


def enter_namespaces():
    """The ports and the data folder of the README are then this run's alone."""
    if os.environ.get("README_NAMESPACES"):
        return
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.environ["README_NAMESPACES"] = "entered"
    os.execvp("unshare", ["unshare", *user, "--net", "--mount", sys.executable, *sys.argv])


def main(command, *arguments):
    os.chdir(ROOT)
    # The programs have sessions of their own, and must be stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("readme.py: terminated"))
    if command == "host":
        print("".join(f"{block.text}\n" for block in compared_blocks() if block.host() == arguments[0]))
        return
    if command == "paste":
        for text in arguments or [block.text for block in compared_blocks() if block.language == "yaml"]:
            paste_yaml(text)
        return
    if command == "local":
        enter_namespaces()
    with tempfile.TemporaryDirectory(prefix="readme-") as work:
        if command == "local":
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            shutil.copytree("data", f"{work}/data", ignore=shutil.ignore_patterns("*.db*"))
            subprocess.run(["mount", "--bind", f"{work}/data", "data"], check=True)
            # The network has nothing but loopback.
            os.environ["CARGO_NET_OFFLINE"] = "true"
        run_blocks(command, work)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failure as failure:
        sys.exit(f"readme.py: {failure}")
