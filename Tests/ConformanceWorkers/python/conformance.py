"""The conformance worker in Python: the methods that every kind of worker is tested with."""

import os
import threading

import dsmp_worker

worker = dsmp_worker.Worker(calls=64)


@worker.method("echo")
def echo(call):
    yield from call


@worker.method("sum")
def total(call):
    return str(sum(len(message) for message in call))


@worker.method("stream")
def stream(call):
    chunk = bytes(65_536)
    for _ in range(int(call.receive())):
        yield chunk


@worker.method("slow")
def slow(call):
    for _ in call:
        pass
    while not call.cancelled:
        threading.Event().wait(0.01)
    raise dsmp_worker.CallError("cancelled", "as asked")


@worker.method("fail")
def fail(call):
    raise dsmp_worker.CallError("failed", "as asked")


@worker.method("crash")
def crash(call):
    for _ in call:
        pass
    os._exit(3)


worker.run()
