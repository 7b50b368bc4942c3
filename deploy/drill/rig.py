"""What the drills are made of: servers in a folder of their own on loopback, and clients that count what they were
promised. Standard library only."""

import contextlib
import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.dirname(HERE)
ROOT = os.path.dirname(DEPLOY)
PASSWORD = "keju-demo"
DATABASE_PASSWORD = "drill"


def say(*words):
    print(*words, flush=True)


def fail(words):
    say("FAILED", words)
    sys.exit(1)


def check(holds, words):
    if not holds:
        fail(words)
    say("ok", words)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def keju_binary():
    named = os.environ.get("KEJU_BIN")
    built = [os.path.join(ROOT, "target", kind, "keju") for kind in ("release", "debug")]
    for path in [named] if named else built:
        if path and os.access(path, os.X_OK):
            return path
    fail("there is no keju: cargo build --release, or name it with KEJU_BIN")


def postgres_bin():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    return folders[-1] if folders else os.path.dirname(shutil.which("postgres") or fail("install PostgreSQL"))


def as_server(*command):
    """A command as the user that database servers run as, who is not root; it ends with the drill."""
    user = ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "KILL", *user, "--", *command]


def until(what, within, look, every=0.05):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(every)
    fail(f"{what} did not happen within {within} s")


class Rig:
    """A folder and everything that runs in it; all of it is gone at the end."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"keju-{name}-")
        os.chmod(self.folder, 0o755)
        self.running = []
        # What runs and is nobody's child here.
        self.strays = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in reversed(self.running):
            end(process)
        for stray in self.strays:
            stray()
        if kind in (None, SystemExit) and not os.environ.get("KEJU_DRILL_KEEP"):
            # A server's last child may still be writing.
            until("the end of all files", 20, lambda: not subprocess.call(["rm", "-rf", self.folder], stderr=subprocess.DEVNULL), 0.3)
        else:
            say("left to be looked at:", self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def make_folder(self, name):
        path = self.path(name)
        os.makedirs(path, mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")
        return path

    def start(self, name, command, env=None, cwd=None):
        log = open(self.path(f"{name}.log"), "ab")
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd or "/",
            env={**os.environ, **(env or {})}, start_new_session=True)
        process.name = name
        self.running.append(process)
        return process

    def log(self, name):
        with open(self.path(f"{name}.log"), errors="replace") as log:
            return log.read()


def family(pid):
    """A process and all that descend from it."""
    pids = [pid]
    for parent in pids:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children") as children:
                    pids += [int(child) for child in children.read().split()]
    return pids


def send(process, what):
    """To a process that this drill started, and to its descendants."""
    for pid in family(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def end(process):
    if process.poll() is None:
        send(process, signal.SIGKILL)
    process.wait()


class Postgres:
    """One database server, as deploy/postgres/keju.conf has it, with its archive."""

    def __init__(self, rig, name, archive, more=()):
        self.rig, self.name, self.archive, self.more = rig, name, archive, list(more)
        self.data, self.port, self.process = rig.path(name), free_port(), None

    def init(self):
        self.run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
                 "--wal-segsize=1", "-D", self.data)
        return self

    def copy_of(self, leader):
        self.run("pg_basebackup", f"--dbname=host=127.0.0.1 port={leader.port} user=postgres application_name={self.name}",
                 f"--pgdata={self.data}", "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast")
        return self

    def run(self, program, *arguments):
        done = subprocess.run(as_server(os.path.join(postgres_bin(), program), *arguments), cwd="/", capture_output=True, text=True)
        if done.returncode:
            fail(f"{program}: {done.stderr}")
        return done.stdout

    def start(self):
        settings = [line.split("#")[0].strip() for line in open(os.path.join(DEPLOY, "postgres", "keju.conf"))]
        settings = [line for line in settings if line and not line.startswith("archive_command")]
        settings += [
            "listen_addresses = '127.0.0.1'", f"port = {self.port}", f"unix_socket_directories = '{self.rig.folder}'",
            "shared_buffers = 32MB", "wal_keep_size = 64MB", "logging_collector = off", "archive_timeout = 0",
            f"archive_command = '{DEPLOY}/postgres/archive-wal \"%p\" {self.archive}'", *self.more]
        # A file beside what restore and pg_basebackup wrote, which stands above it.
        conf = self.rig.path(f"{self.name}.conf")
        with open(conf, "w") as file:
            file.write("\n".join(settings) + f"\nhba_file = '{self.data}/pg_hba.conf'\nident_file = '{self.data}/pg_ident.conf'\n")
        self.process = self.rig.start(self.name, as_server(
            os.path.join(postgres_bin(), "postgres"), "-D", self.data, f"--config_file={conf}"))
        until(f"{self.name} ready", 60, self.is_ready)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            fail(f"{self.name} ended: {self.rig.log(self.name)[-2000:]}")
        return subprocess.call(
            [os.path.join(postgres_bin(), "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]) == 0

    def sql(self, statement, database="postgres", port=None):
        return sql(port or self.port, statement, database)


def sql(port, statement, database="postgres", password=None):
    env = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(
        [os.path.join(postgres_bin(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
         "-p", str(port), "-U", "postgres", "-d", database, "-c", statement],
        capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


class Node:
    """One keju on a PostgreSQL database."""

    def __init__(self, rig, number, database, demo=False):
        self.name, self.rig = f"node{number}", rig
        self.port = free_port()
        flags = ["--demo"] if demo else []
        self.process = rig.start(
            self.name, [keju_binary(), "serve", "--listen", f"127.0.0.1:{self.port}", *flags], cwd=rig.folder,
            env={"KEJU_DATABASE": database, "KEJU_NODE": str(number), "PGPASSWORD": DATABASE_PASSWORD,
                 "KEJU_LIMITS_HASHES_AT_ONCE": "2"})

    def ready(self):
        until(f"{self.name} ready", 120, self.is_ready)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            fail(f"{self.name} ended: {self.rig.log(self.name)[-2000:]}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return Client(self.port).call("GET", "/readyz", timeout=5)[0] == 200


class Client:
    """Somebody at a browser: one connection at a time, to a node or to another one."""

    def __init__(self, port, token=None):
        self.port, self.token, self.connection = port, token, None

    def call(self, method, path, body=None, timeout=30):
        """Status and what was said; OSError when nobody answers."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            raise OSError(str(error)) from error
        if answer.getheader("connection", "").lower() == "close":
            self.connection.close()
            self.connection = None
        return answer.status, json.loads(said) if said.startswith((b"{", b"[")) else said

    def ok(self, method, path, body=None, status=(200, 201, 204)):
        found, said = self.call(method, "/api/v1" + path, body)
        if found not in status:
            fail(f"{method} {path}: {found} {said}")
        return said

    def sign_in(self, name):
        self.token = self.ok("POST", "/session", {"username": name, "password": PASSWORD})["token"]
        return self


def exam_of(author, slots):
    """A published exam in which the right option says so."""
    items = [{"kind": "single_choice", "topic": "drill", "stem": f"item {number}",
              "options": [{"text": "right", "correct": True}, {"text": "wrong"}, {"text": "wrong too"}]}
             for number in range(slots * 3)]
    for code in ("drill",):
        bank = author.ok("POST", "/banks", {"code": code, "title": "演练"})["id"]
    status, said = upload(author, bank, json.dumps({"format": "keju-bank/1", "items": items}))
    if status != 200 or said["accepted"] + said["warned"] != len(items):
        fail(f"the bank was not taken: {status} {said}")
    course = author.ok("POST", "/courses", {
        "code": "drill", "title": "演练", "subject": "public", "bucket": "elective", "credit_year": 2026, "hours": 2.5})["id"]
    exam = author.ok("POST", "/exams", {
        "code": "drill", "title": "演练", "course": course, "bank": bank, "duration_ms": 3_600_000, "grace_ms": 10_000,
        "pass_score": slots * 3, "attempts_max": 0, "cooldown_ms": 0, "opens_at": "2020-01-01T00:00:00Z",
        "closes_at": "2099-01-01T00:00:00Z", "practice": "off", "review": "score",
        "blueprint": {"shuffle_options": True, "sections": [{
            "title": "单选题", "kind": "single_choice", "count": slots, "points": 5, "quotas": [{"count": slots}]}]}})["id"]
    author.ok("POST", f"/exams/{exam}/publish", {})
    return exam


def upload(author, bank, text):
    edge = uuid.uuid4().hex
    body = (f"--{edge}\r\nContent-Disposition: form-data; name=\"format\"\r\n\r\njson\r\n"
            f"--{edge}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bank.json\"\r\n\r\n{text}\r\n--{edge}--\r\n")
    connection = http.client.HTTPConnection("127.0.0.1", author.port, timeout=60)
    connection.request("POST", f"/api/v1/banks/{bank}/imports", body.encode(), {
        "Authorization": f"Bearer {author.token}", "Content-Type": f"multipart/form-data; boundary={edge}"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


class Learner:
    """Takes an exam at whichever node answers, and remembers every receipt."""

    def __init__(self, ports, name, exam):
        self.clients = [Client(port) for port in ports]
        self.turn, self.name, self.exam = 0, name, exam
        self.last, self.acknowledged, self.errors, self.moments = {}, 0, {}, []

    def begin(self):
        token = self.clients[0].sign_in(self.name).token
        for client in self.clients:
            client.token = token
        said = self.insist("POST", f"/exams/{self.exam}/attempts", {"command_id": str(uuid.uuid4()), "mode": "exam"})
        self.attempt = said["id"]
        self.slots = {slot["slot"]: {option["text"]: option["id"] for option in slot["options"]}
                      for section in said["paper"]["sections"] for slot in section["slots"]}
        return self

    def insist(self, method, path, body, within=120):
        """The same command until it is answered, at one node after the other, as a browser does."""
        deadline, pause = time.monotonic() + within, 0.05
        while time.monotonic() < deadline:
            client = self.clients[self.turn % len(self.clients)]
            try:
                status, said = client.call(method, "/api/v1" + path, body)
            except OSError:
                status, said = "no answer", None
            if status in (200, 201):
                return said
            if status not in ("no answer", 503, 429, 507):
                fail(f"{self.name}: {method} {path}: {status} {said}")
            self.errors[status] = self.errors.get(status, 0) + 1
            self.turn += 1
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        fail(f"{self.name}: {method} {path} was not answered within {within} s")

    def answer(self, slot, text):
        response = {"choices": [self.slots[slot][text]]}
        receipt = self.insist("PUT", f"/attempts/{self.attempt}/answers/{slot}",
                              {"command_id": str(uuid.uuid4()), "response": response})
        self.moments.append(time.monotonic())
        self.acknowledged += 1
        self.last[slot] = (receipt, response)

    def lost(self):
        """Acknowledged answers that are not there."""
        client = self.clients[self.turn % len(self.clients)]
        kept = client.ok("GET", f"/attempts/{self.attempt}")["answers"]
        lost = []
        for slot, (receipt, response) in self.last.items():
            found = kept.get(str(slot))
            if not found or found["seq"] < receipt["seq"]:
                lost.append((slot, receipt["seq"], found))
            elif found["seq"] == receipt["seq"] and found["response"] != response:
                lost.append((slot, receipt["seq"], found))
            checked = client.ok("POST", "/receipts/verify", {
                "receipt": receipt["receipt"], "attempt": self.attempt, "response": response})
            if not (checked["valid"] and checked["kept"]):
                lost.append((slot, receipt["seq"], checked))
        return lost

    def submit_twice(self):
        """Two devices at once, each under a command of its own."""
        def one(client, outcome):
            body = {"command_id": str(uuid.uuid4())}
            for _ in range(100):
                try:
                    status, said = client.call("POST", f"/api/v1/attempts/{self.attempt}/submission", body)
                except OSError:
                    continue
                if status != 503:
                    outcome.append(status)
                    return
                time.sleep(0.1)
        outcome = []
        pair = [threading.Thread(target=one, args=(Client(client.port, client.token), outcome)) for client in self.clients[:2]]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        return sorted(outcome)


def verify_logs(rig, database):
    """`keju audit verify`; what it says."""
    done = subprocess.run([keju_binary(), "audit", "verify"], cwd=rig.folder, capture_output=True, text=True,
                          env={**os.environ, "KEJU_DATABASE": database, "PGPASSWORD": DATABASE_PASSWORD})
    return done.returncode == 0, done.stdout.strip().replace("\n", "; ") + done.stderr


class Load:
    """Learners who answer, each about as often as told, until they are stopped."""

    def __init__(self, learners, pause):
        self.learners, self.pause, self.ended = learners, pause, threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(learner,)) for learner in learners]

    def work(self, learner):
        dice = random.Random(learner.name)
        while not self.ended.wait(dice.uniform(0.5, 1.5) * self.pause):
            learner.answer(dice.choice(list(learner.slots)), dice.choice(["wrong", "wrong too", "right"]))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def moments(self):
        return sorted(moment for learner in self.learners for moment in list(learner.moments))


def judge(rig, ask, nodes, pids, learners, database):
    """At the end: nothing acknowledged is lost, and hours are granted once. `ask` runs SQL where all is to be seen."""
    acknowledged = sum(learner.acknowledged for learner in learners)
    lost = [loss for learner in learners for loss in learner.lost()]
    check(not lost, f"{acknowledged} acknowledged answers, {len(lost)} lost {lost[:3]}")
    # Everybody passes, and hands in twice at once.
    for learner in learners:
        for slot in learner.slots:
            if learner.last.get(slot, (None, {}))[1] != {"choices": [learner.slots[slot]["right"]]}:
                learner.answer(slot, "right")
    outcomes = [learner.submit_twice() for learner in learners]
    check(all(outcome == [200, 409] for outcome in outcomes), "each hands in from two devices at once: one is taken, one refused")
    twice = ask("SELECT count(*) FROM (SELECT 1 FROM ledger WHERE hours >= 0 AND lesson IS NULL "
                "GROUP BY learner, course, credit_year HAVING count(*) > 1) AS t")
    granted = ask("SELECT count(*) FROM ledger")
    check((twice, granted) == ("0", str(len(learners))), f"hours are granted once each: {granted} entries, {twice} double")
    holds, said = verify_logs(rig, database)
    check(holds, f"audit verify: {said}")
    check([node.process.pid for node in nodes] == pids and all(node.is_ready() for node in nodes),
          "both nodes are the processes they were, and ready")


def learners_at(nodes, count, exam):
    """So many people of the demo site, who have begun the exam, half of them at each node."""
    ports = [node.port for node in nodes]
    learners = []
    for number in range(1, count + 1):
        in_turn = ports if number % 2 else ports[::-1]
        learners.append(Learner(in_turn, "learner" if number == 1 else f"learner{number}", exam).begin())
    return learners


def summary_of_errors(learners):
    errors = {}
    for learner in learners:
        for code, count in learner.errors.items():
            errors[code] = errors.get(code, 0) + count
    say("errors that clients met and repeated:", errors or "none")


def quoted(text):
    return urllib.parse.quote(text, safe="")
