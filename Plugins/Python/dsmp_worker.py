"""Write a DSMP worker in Python: one file, the standard library only, Python 3.9 or later.

    import dsmp_worker

    worker = dsmp_worker.Worker()

    @worker.method("count")
    def count(call):
        total = 0
        for message in call:           # the caller's messages, as bytes
            total += len(message)
        return str(total)              # one answer; or yield several

    worker.run()

Copy this file into the worker's folder beside your program. A handler takes a `Call` and returns bytes or text (one
message), returns None (no message), or is a generator that yields any number of messages. It runs on a thread of its
own; as many run at once as `Worker(calls=...)` allows. Raise `CallError` to end a call with a code of your choice; any
other exception ends it as `failed`. Standard output and standard error are the worker's log.

The protocol is Specs/worker-channel.md, version 0.
"""

import os
import struct
import sys
import threading
import traceback
from collections import deque

VERSION = 0
MESSAGE_BYTES = 1_048_576
CONTROL_BYTES = 4_096
END_TEXT_BYTES = 1_024
OVERHEAD_BYTES = 16
WINDOW_BYTES = 262_144
CHUNK_BYTES = 262_144

HELLO, READY, OPEN, MESSAGE, FINISH, END, CANCEL, CREDIT, PING, PONG, STOP = range(1, 12)
HEADER = struct.Struct(">IIBB")
HELLO_FIXED = struct.Struct(">8sHHII")
LENGTHS = {
    HELLO: (20, 83), OPEN: (0, CONTROL_BYTES), MESSAGE: (0, MESSAGE_BYTES), FINISH: (0, 0), CANCEL: (2, 2),
    CREDIT: (4, 4), PING: (8, 8), PONG: (8, 8), STOP: (0, 0),
}
CODES = {
    "ok": 0, "cancelled": 1, "failed": 2, "invalidArgument": 3, "deadlineExceeded": 4, "notFound": 5, "refused": 7,
    "resourceExhausted": 8, "noSuchMethod": 12, "internal": 13, "unavailable": 14,
}


class CallError(Exception):
    """Ends a call with a code (a key of CODES) and a text for people. `retry`: nothing was done, try another host."""

    def __init__(self, code, message, retry=False):
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry


class Violation(Exception):
    """The agent broke the channel's rules; the worker ends."""


class Call:
    """One call. Iterate over it, or call `receive`, for the caller's messages; `send` answers."""

    def __init__(self, worker, number, fields):
        self._worker = worker
        self._number = number
        self._signal = threading.Condition(worker._lock)
        self._messages = deque()
        self._finished = False
        self._cancelled = None
        self._over = False
        self._balance = worker._peer_window
        self._receive_balance = WINDOW_BYTES
        self._taken = 0
        self.method = fields.get(1, b"").decode("ascii", "replace")
        self.deadline_milliseconds = int.from_bytes(fields.get(2, b""), "big")
        self.caller = fields.get(3, b"")
        self.idempotency_key = fields.get(4, b"")
        self.trace_parent = fields.get(5, b"").decode("ascii", "replace")
        self.attempt = int.from_bytes(fields.get(6, b"\0\0\0\1"), "big")

    @property
    def cancelled(self):
        """Whether the caller gave up or the deadline passed. Look at it in long computations."""
        return self._cancelled is not None

    def receive(self):
        """The caller's next message as bytes; None after the last one. Receiving lets the caller send more."""
        return self._worker._take(self)

    def __iter__(self):
        while (message := self.receive()) is not None:
            yield message

    def read_all(self, limit=MESSAGE_BYTES):
        """All input as bytes; more than `limit` bytes end the call with invalidArgument."""
        parts, size = [], 0
        for message in self:
            size += len(message)
            if size > limit:
                raise CallError("invalidArgument", f"the input has more than {limit} bytes; send less")
            parts.append(message)
        return b"".join(parts)

    def send(self, message):
        """Sends one message (bytes or text); returns when the next one may be sent."""
        self._worker._send_message(self, message.encode() if isinstance(message, str) else bytes(message))


class Worker:
    """A worker. `calls`: how many handlers may run at once; the manifest may allow fewer."""

    def __init__(self, calls=32):
        self._methods = {}
        self._limit = calls
        self._descriptor = -1
        self._calls = {}
        self._ready = deque()
        self._reading = False
        self._stopping = False
        self._greeted = False
        self._peer_window = 0
        self._buffer = bytearray()
        # One lock for the state. A thread that has to wait becomes the reader when nobody else reads.
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._idle_count = 0
        self._thread_count = 1
        self._limit_reached = False
        self._reader_is_idle = False
        self._writing = threading.Lock()

    def method(self, name):
        """Decorator: the function serves the method of that name."""

        def add(handler):
            self._methods[name] = handler
            return handler

        return add

    def run(self):
        """Serves calls until the agent leaves or stops the worker, then ends the process."""
        text = os.environ.get("DSMP_CHANNEL", "")
        if not text.isdigit():
            sys.exit("this program is a worker: it is started by an agent (`dsmp worker host`), not by hand")
        self._descriptor = int(text)
        self._serve()

    # -- threads: each takes a call that is ready, or reads for all

    def _serve(self):
        try:
            while True:
                with self._lock:
                    self._idle_count += 1
                    self._wait(lambda: bool(self._ready), self._idle)
                    self._idle_count -= 1
                    call = self._ready.popleft()
                    # One thread more than calls, so that cancellations and pings are read while all handlers compute.
                    if self._idle_count == 0 and self._thread_count <= self._limit and not self._limit_reached:
                        self._start_thread()
                self._handle(call)
        except Violation as violation:
            self._leave(76, f"the agent broke the channel's rules: {violation}")

    def _start_thread(self):
        try:
            threading.Thread(target=self._serve, daemon=True).start()
            self._thread_count += 1
        except RuntimeError:  # The jail allows no more threads: further calls wait for one that is there.
            self._limit_reached = True

    def _wait(self, condition, signal):
        """Returns when the condition holds. The lock is held; the thread reads the channel when no other does."""
        while not condition():
            if self._reading:
                signal.wait()
                continue
            self._reading = True
            self._reader_is_idle = signal is self._idle
            self._lock.release()
            try:
                data = os.read(self._descriptor, CHUNK_BYTES)
            except OSError:
                data = b""
            self._lock.acquire()
            self._reading = False
            if not data:
                self._leave(0)
            self._parse(data)
        if not self._reading:
            self._idle.notify()  # Somebody must read from now on.

    def _leave(self, status, text=""):
        if text:
            print(text, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def _handle(self, call):
        code, text, retry, last = 0, "", False, b""
        try:
            handler = self._methods.get(call.method)
            if handler is None:
                raise CallError("noSuchMethod", f"the worker has no method `{call.method}`; compare worker.yaml")
            result = handler(call)
            if isinstance(result, (bytes, bytearray, memoryview, str)):
                last = result.encode() if isinstance(result, str) else bytes(result)
                while len(last) > MESSAGE_BYTES:
                    call.send(last[:MESSAGE_BYTES])
                    last = last[MESSAGE_BYTES:]
                last = self._charge(call, last)
            elif result is not None:
                for message in result:
                    call.send(message)
        except CallError as error:
            code, text, retry = CODES.get(error.code, 13), error.message, error.retry
        except Violation:
            raise
        except BaseException as error:  # A handler's failure ends its call, never the worker.
            traceback.print_exc()
            code, text = CODES["failed"], f"{type(error).__name__}: {error}"
        body = text.encode("utf-8", "replace")[:END_TEXT_BYTES].decode("utf-8", "ignore").encode()
        with self._lock:
            call._over = True
            del self._calls[call._number]
            leaving = self._stopping and not self._calls
        self._write_bytes(last + self._frame(END, call._number, struct.pack(">H", code) + body, 1 if retry else 0))
        if leaving:
            self._leave(0)

    # -- what handlers ask for

    def _check(self, call):
        if call._over:
            raise CallError("internal", "the call is over")
        if call._cancelled is not None:
            raise CallError(call._cancelled, "the caller gave up or the deadline passed")

    def _take(self, call):
        with self._lock:
            self._wait(lambda: call._messages or call._finished or call.cancelled or call._over, call._signal)
            self._check(call)
            if not call._messages:
                return None
            message = call._messages.popleft()
            call._taken += len(message) + OVERHEAD_BYTES
            credit = 0
            if not call._finished and call._taken >= WINDOW_BYTES // 2:
                credit, call._taken = call._taken, 0
                call._receive_balance += credit
        if credit:
            self._write(CREDIT, call._number, struct.pack(">I", credit))
        return message

    def _send_message(self, call, message):
        self._write_bytes(self._charge(call, message))

    def _charge(self, call, message):
        """The frame of a message, once the caller has room for it."""
        if len(message) > MESSAGE_BYTES:
            raise CallError("internal", f"a message has {len(message)} bytes, more than {MESSAGE_BYTES}")
        with self._lock:
            self._wait(lambda: call._balance > 0 or call.cancelled or call._over, call._signal)
            self._check(call)
            call._balance -= len(message) + OVERHEAD_BYTES
        return self._frame(MESSAGE, call._number, message)

    # -- frames

    @staticmethod
    def _frame(kind, number, payload=b"", flags=0):
        return HEADER.pack(len(payload), number, kind, flags) + payload

    def _write(self, kind, number, payload=b""):
        self._write_bytes(self._frame(kind, number, payload))

    def _write_bytes(self, data):
        try:
            with self._writing:
                sent = os.write(self._descriptor, data)
                if sent < len(data):
                    rest = memoryview(data)[sent:]
                    while rest:
                        rest = rest[os.write(self._descriptor, rest):]
        except OSError:  # The agent is gone.
            self._leave(0)

    def _parse(self, data):
        self._buffer += data
        offset = 0
        while len(self._buffer) - offset >= HEADER.size:
            length, number, kind, flags = HEADER.unpack_from(self._buffer, offset)
            low, high = LENGTHS.get(kind, (1, 0))
            if not low <= length <= high or flags or (number != 0) != (OPEN <= kind <= CREDIT):
                raise Violation(f"frame type {kind} with {length} bytes")
            start = offset + HEADER.size
            if len(self._buffer) - start < length:
                break
            self._apply(kind, number, bytes(self._buffer[start:start + length]))
            offset = start + length
        del self._buffer[:offset]

    def _apply(self, kind, number, payload):
        if (kind == HELLO) == self._greeted:
            raise Violation("the first frame, and only that, is a HELLO")
        call = self._calls.get(number)
        if kind == HELLO:
            self._greet(payload)
        elif kind == PING:
            self._write(PONG, 0, payload)
        elif kind == PONG:
            raise Violation("a PONG without a PING")
        elif kind == STOP:
            self._stopping = True
            if not self._calls:
                self._leave(0)
        elif kind == OPEN:
            if call is not None or self._stopping or len(self._calls) >= self._limit:
                raise Violation("an OPEN that is not allowed now")
            call = Call(self, number, self._fields(payload))
            self._calls[number] = call
            self._ready.append(call)
            if not self._reader_is_idle:
                self._idle.notify()
        elif call is None:
            pass  # It was on its way when the call ended.
        else:
            self._apply_to_call(call, kind, payload)
            call._signal.notify_all()

    @staticmethod
    def _apply_to_call(call, kind, payload):
        if kind == CREDIT:
            call._balance += struct.unpack(">I", payload)[0]
            if call._balance > 0x7FFFFFFF:
                raise Violation("too much credit")
        elif kind == CANCEL:
            names = {value: name for name, value in CODES.items()}
            call._cancelled = names.get(struct.unpack(">H", payload)[0], "cancelled")
        elif call._finished or call.cancelled:
            raise Violation("input after its end")
        elif kind == FINISH:
            call._finished = True
        else:
            if call._receive_balance <= 0:
                raise Violation("a message without credit")
            call._receive_balance -= len(payload) + OVERHEAD_BYTES
            call._messages.append(payload)

    def _greet(self, payload):
        magic, low, high, self._peer_window, calls = HELLO_FIXED.unpack_from(payload)
        if magic != b"dsmpwork":
            raise Violation("the hello does not begin with dsmpwork")
        if not low <= VERSION <= high:
            self._leave(78, f"the agent speaks the channel's versions {low} to {high}, this worker {VERSION}")
        self._greeted = True
        self._limit = min(self._limit, max(1, calls))
        hello = HELLO_FIXED.pack(b"dsmpwork", VERSION, VERSION, WINDOW_BYTES, self._limit)
        self._write(HELLO, 0, hello + b"dsmp_worker.py/0")
        self._write(READY, 0)

    @staticmethod
    def _fields(payload):
        fields, offset = {}, 0
        while offset < len(payload):
            if offset + 3 > len(payload) or len(fields) == 32:
                raise Violation("malformed fields")
            key, length = struct.unpack_from(">BH", payload, offset)
            offset += 3
            if key in fields or offset + length > len(payload):
                raise Violation("malformed fields")
            fields[key] = payload[offset:offset + length]
            offset += length
        return fields
