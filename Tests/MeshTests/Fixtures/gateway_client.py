"""Calls a gateway with grpcio, an independent gRPC implementation.

usage: gateway_client.py PROTOS TARGET < requests.json > results.json

Reads a JSON list of {"generate": {...}} or {"chat": {...}} in protobuf's JSON mapping, runs all of
them at once, and prints a JSON list of {"ids", "text", "finish", "outputs"} or {"code", "message",
"has_field"}. "outputs" has the ids of each output by its index. With "cancel_after": n in an entry, the stream is cancelled after n ids.
"""

import concurrent.futures
import json
import os
import sys
import tempfile

import grpc
from google.protobuf import json_format
from grpc_tools import protoc


def load_stubs(protos, folder):
    files = ["weft/types/v1/generation.proto", "weft/gateway/v1/gateway.proto"]
    arguments = ["protoc", f"-I{protos}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(arguments + files) != 0:
        raise SystemExit("protoc failed")
    sys.path.insert(0, folder)
    from weft.gateway.v1 import gateway_pb2, gateway_pb2_grpc

    return gateway_pb2, gateway_pb2_grpc


def bad_request_fields(error):
    """The fields named in google.rpc.BadRequest details, found without generated code."""
    details = dict(error.trailing_metadata() or []).get("grpc-status-details-bin", b"")
    return "google.rpc.BadRequest" in details.decode("latin-1")


def run(entry, stub, messages):
    kind, make = (
        ("generate", messages.GenerateRequest)
        if "generate" in entry
        else ("chat", messages.ChatRequest)
    )
    call = getattr(stub, kind.capitalize())(
        json_format.ParseDict(entry[kind], make()), timeout=entry.get("timeout", 300)
    )
    ids, text, finish = [], "", None
    outputs = {}
    try:
        for part in call:
            ids += part.token_ids
            outputs.setdefault(part.index, []).extend(part.token_ids)
            text += part.text
            if part.HasField("finish"):
                finish = json_format.MessageToDict(part.finish, preserving_proto_field_name=True)
            if "cancel_after" in entry and len(ids) >= entry["cancel_after"]:
                call.cancel()
    except grpc.RpcError as error:
        return {
            "code": error.code().name,
            "message": error.details(),
            "has_field": bad_request_fields(error),
            "ids": ids,
        }
    outputs = [outputs[index] for index in sorted(outputs)]
    return {"ids": ids, "text": text, "finish": finish, "outputs": outputs}


def main():
    protos, target = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        messages, services = load_stubs(protos, folder)
        entries = json.load(sys.stdin)
        with grpc.insecure_channel(target) as channel:
            stub = services.GatewayServiceStub(channel)
            with concurrent.futures.ThreadPoolExecutor(max(1, len(entries))) as pool:
                results = list(pool.map(lambda entry: run(entry, stub, messages), entries))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
