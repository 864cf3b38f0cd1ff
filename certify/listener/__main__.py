"""`python -m certify.listener --file FILE`: listen until standard input ends. Prints its address when it chose one."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from certify.listener.server import serve
from certify.listener.spans_file import SpansFile


def main() -> int:
    """Parse the arguments and listen."""
    parser = argparse.ArgumentParser(prog="certify.listener", description=__doc__, allow_abbrev=False)
    parser.add_argument("--file", type=Path, required=True, help="spans are appended to it as JSON lines")
    parser.add_argument("--socket", type=int, help="descriptor of a socket that listens already")
    args = parser.parse_args()
    if args.socket is None:
        server = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"http://127.0.0.1:{server.getsockname()[1]}\n")
        sys.stdout.flush()
    else:
        server = socket.socket(fileno=args.socket)
    with server, SpansFile(args.file) as spans:
        asyncio.run(_until_input_ends(server, spans))
    return 0


async def _until_input_ends(server: socket.socket, spans: SpansFile) -> None:
    ended = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(ended), sys.stdin)
    async with serve(server, spans):
        while await ended.read(4096):
            pass


if __name__ == "__main__":
    sys.exit(main())
