"""What the benchmarks that load a mesh share."""

import glob
import re
import sys
import tempfile

from grpc_tools import protoc

FILES = [
    "weft/types/v1/generation.proto",
    "weft/gateway/v1/gateway.proto",
    "weft/kvstore/v1/kvstore.proto",
    "weft/scheduler/v1/scheduler.proto",
]


def load_stubs(protos):
    """Makes the modules of our services importable, such as weft.gateway.v1.gateway_pb2."""
    folder = tempfile.mkdtemp()
    arguments = ["protoc", f"-I{protos}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(arguments + FILES) != 0:
        raise SystemExit("protoc failed")
    sys.path.insert(0, folder)


def words_of(root):
    """Words of the project's own documents."""
    words = []
    for path in sorted(glob.glob(f"{root}/docs/**/*.md", recursive=True)):
        with open(path) as file:
            words += re.findall(r"[A-Za-z]{2,}", file.read())
    return words
