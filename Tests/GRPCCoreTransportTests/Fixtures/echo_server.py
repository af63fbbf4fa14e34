"""The echo service of RawService.swift by grpcio, an implementation that is not ours.

Usage: echo_server.py ADDRESS. Prints "port N", then what its handlers see. Ends with its input.
"""

import sys
import threading

import grpc

TRAILER = (("t-word", "end"), ("t-raw-bin", bytes([0, 255, 10, 13, 128])))
CODES = {code.value[0]: code for code in grpc.StatusCode}


def say(words):
    print(words, flush=True)


def begin(context):
    echoed = [(k, v) for k, v in context.invocation_metadata() if k.startswith("x-")]
    context.send_initial_metadata(echoed)
    context.set_trailing_metadata(TRAILER)


def unary(request, context):
    begin(context)
    return request


def collect(requests, context):
    begin(context)
    return b"".join(requests)


def expand(request, context):
    begin(context)
    for byte in request:
        yield bytes([byte])


def chat(requests, context):
    begin(context)
    yield from requests


def fail(request, context):
    context.set_trailing_metadata(TRAILER)
    context.abort(CODES[request[0]], request[1:].decode())


def hang(_, context):
    ended = threading.Event()
    context.add_callback(ended.set)
    # Without a deadline it is None or, by core's far future, centuries.
    remaining = context.time_remaining()
    say(f"hang {'with deadline' if remaining and remaining < 1e6 else 'for ever'}")
    ended.wait()
    say("hang ended")
    return b""


def main(address):
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Collect": grpc.stream_unary_rpc_method_handler(collect),
        "Expand": grpc.unary_stream_rpc_method_handler(expand),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Hang": grpc.unary_unary_rpc_method_handler(hang),
    }
    from concurrent import futures

    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        handlers=(grpc.method_handlers_generic_handler("weft.test.Echo", handlers),),
        options=(("grpc.max_receive_message_length", 1 << 20), ("grpc.so_reuseport", 0)),
    )
    port = server.add_insecure_port(address)
    server.start()
    say(f"port {port}")
    sys.stdin.read()
    server.stop(None).wait()


main(sys.argv[1])
