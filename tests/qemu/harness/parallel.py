"""Runs guest tests side by side in forked workers, and names them by their sentences.

pytest collects once; `--workers N` forks N copies after that, which take the next test as they
become free and send their reports back. A worker that dies fails the test it was running.
"""
import json
import os
import re
import select
import struct
import sys

import pytest
from _pytest.runner import runtestprotocol

INDEX = struct.Struct("<I")


def pytest_addoption(parser):
    parser.addoption("--workers", type=int, default=min(os.cpu_count() or 1, 4),
                     help="tests run side by side")


def sentence(item):
    """test_the_kernel_boots[q35, direct] -> the kernel boots [q35, direct]"""
    name, bracket, parameters = item.name.partition("[")
    words = re.sub(r"^test_", "", name).replace("_", " ")
    return words + (f" [{parameters}" if bracket else "")


def pytest_collection_modifyitems(items):
    for item in items:
        item._nodeid = sentence(item)


class Worker:
    def __init__(self, session, tasks, others):
        self.current = None
        self.buffer = b""
        self.inlet, outlet = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid:
            os.close(outlet)
            return
        for other in others:
            os.close(other.inlet)
        status = 1
        try:
            _work(session, tasks, outlet)
            status = 0
        finally:
            os._exit(status)

    def messages(self):
        """The complete messages that have arrived; None at the end."""
        data = os.read(self.inlet, 1 << 20)
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        return [json.loads(line) for line in lines] if data else None


def _work(session, tasks, outlet):
    capture = session.config.pluginmanager.getplugin("capturemanager")
    if capture:
        # The files that output is captured in must not be shared with the other workers.
        capture.stop_global_capturing()
        capture.start_global_capturing()

    def send(message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(outlet, data):]

    hook = session.config.hook
    while True:
        block = os.read(tasks, INDEX.size)
        if len(block) < INDEX.size:
            return
        index = INDEX.unpack(block)[0]
        send({"begin": index})
        for report in runtestprotocol(session.items[index], log=False, nextitem=None):
            send({"report": hook.pytest_report_to_serializable(config=session.config,
                                                               report=report)})
        send({"end": index})


def _died(item):
    return pytest.TestReport(item.nodeid, item.location, {}, "failed",
                             "the process that ran this test died", "call")


def _handle(session, worker, message):
    hook = session.config.hook
    if "begin" in message:
        worker.current = session.items[message["begin"]]
    elif "end" in message:
        worker.current = None
    else:
        report = hook.pytest_report_from_serializable(config=session.config,
                                                      data=message["report"])
        if isinstance(report.longrepr, list):
            report.longrepr = tuple(report.longrepr)  # a skip's place and reason
        hook.pytest_runtest_logreport(report=report)


def _retire(session, worker):
    """Returns whether the worker died in a test and needs a successor."""
    os.close(worker.inlet)
    os.waitpid(worker.pid, 0)
    if worker.current:
        session.config.hook.pytest_runtest_logreport(report=_died(worker.current))
    return worker.current is not None


def pytest_runtestloop(session):
    count = min(session.config.getoption("workers"), len(session.items))
    if session.testsfailed or session.config.option.collectonly or count < 2:
        return None
    tasks, feed = os.pipe()
    os.set_inheritable(feed, False)
    # A pipe holds 64 KiB: 16,384 tests.
    os.write(feed, b"".join(INDEX.pack(i) for i in range(len(session.items))))
    os.close(feed)
    workers = []
    for _ in range(count):
        workers.append(Worker(session, tasks, workers))
    try:
        while workers:
            for ready in select.select([w.inlet for w in workers], [], [])[0]:
                worker = next(w for w in workers if w.inlet == ready)
                messages = worker.messages()
                if messages is None:
                    workers.remove(worker)
                    if _retire(session, worker):
                        workers.append(Worker(session, tasks, workers))
                for message in messages or ():
                    _handle(session, worker, message)
    finally:
        os.close(tasks)
        for worker in workers:
            os.kill(worker.pid, 15)
            os.waitpid(worker.pid, 0)
    return True
