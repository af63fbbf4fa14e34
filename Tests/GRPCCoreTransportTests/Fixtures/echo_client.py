"""Calls the echo service of RawService.swift by grpcio, an implementation that is not ours.

Usage: echo_client.py TARGET [hang]. Prints one line per check and ends with status 0 if all hold.
The server must refuse messages above 1 MiB. With `hang` it makes one call and waits for ever.
"""

import queue
import sys
import threading

import grpc

TRAILER = {"t-word": "end", "t-raw-bin": bytes([0, 255, 10, 13, 128])}
METADATA = (
    ("x-word", "plain text"),
    ("x-twice", "first"),
    ("x-twice", "second"),
    ("x-raw-bin", bytes([0, 1, 127, 128, 254, 255])),
)
TIMEOUT = 30


def path(method):
    return f"/weft.test.Echo/{method}"


def check_metadata(call):
    assert set(METADATA) <= set(call.initial_metadata()), call.initial_metadata()
    trailing = dict(call.trailing_metadata())
    assert TRAILER.items() <= trailing.items(), trailing


def error_of(call, *arguments, **options):
    try:
        call(*arguments, timeout=TIMEOUT, **options)
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call succeeded")


def unary(channel):
    response, call = channel.unary_unary(path("Unary")).with_call(
        b"hello", timeout=TIMEOUT, metadata=METADATA
    )
    assert response == b"hello"
    check_metadata(call)


def collect(channel):
    messages = [bytes([i]) * i for i in range(100)]
    response, call = channel.stream_unary(path("Collect")).with_call(
        iter(messages), timeout=TIMEOUT, metadata=METADATA
    )
    assert response == b"".join(messages)
    check_metadata(call)


def expand(channel):
    call = channel.unary_stream(path("Expand"))(
        bytes(range(200)), timeout=TIMEOUT, metadata=METADATA
    )
    assert list(call) == [bytes([i]) for i in range(200)]
    check_metadata(call)


def chat(channel):
    turns = queue.Queue()
    turns.put(b"0")
    call = channel.stream_stream(path("Chat"))(
        iter(turns.get, None), timeout=TIMEOUT, metadata=METADATA
    )
    for turn, message in enumerate(call, 1):
        assert message == str(turn - 1).encode()
        turns.put(str(turn).encode() if turn < 50 else None)
    assert turn == 50
    check_metadata(call)


def fail(channel):
    words = "Straße 100% 日本 🙂"
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            request = bytes([code.value[0]]) + words.encode()
            error = error_of(channel.unary_unary(path("Fail")), request)
            assert error.code() is code, error
            assert error.details() == words, error
            assert TRAILER.items() <= dict(error.trailing_metadata()).items(), error


def unimplemented(channel):
    error = error_of(channel.unary_unary("/no.Such/Method"), b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED, error


def deadline(channel):
    try:
        channel.unary_unary(path("Hang"))(b"", timeout=1)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
        return
    raise AssertionError("the call succeeded")


def cancel(channel):
    call = channel.unary_unary(path("Hang")).future(b"")
    threading.Timer(0.2, call.cancel).start()
    try:
        call.result()
    except grpc.FutureCancelledError:
        assert call.code() is grpc.StatusCode.CANCELLED
        return
    raise AssertionError("the call succeeded")


def leave(channel):
    call = channel.unary_stream(path("Expand"))(bytes(100_000))
    assert next(call) == b"\0"
    call.cancel()


def large(channel):
    unary = channel.unary_unary(path("Unary"))
    fits = bytes(1 << 20)
    assert unary(fits, timeout=TIMEOUT) == fits
    error = error_of(unary, fits + b"1")
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
    try:
        list(channel.stream_stream(path("Chat"))(iter([fits + b"1"]), timeout=TIMEOUT))
    except grpc.RpcError as stream_error:
        assert stream_error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, stream_error
        return
    raise AssertionError("the call succeeded")


def main(target, hangs):
    with grpc.insecure_channel(target) as channel:
        if hangs:
            channel.unary_unary(path("Hang"))(b"")
        for check in (unary, collect, expand, chat, fail, unimplemented, deadline, cancel, leave, large):
            check(channel)
            print(f"ok {check.__name__}", flush=True)


main(sys.argv[1], "hang" in sys.argv[2:])
