"""Run as a program: offers requests at a rate until its standard input ends, then prints what came of each.

An open loop: a request that is late is made up for, so the rate offered is the one asked for, whatever the answers take.
"""

import json
import sys
import threading
import time

from http1 import Connection, chat, request_bytes

FIELDS = ("retry-after", "retry-after-ms", "content-type")


class Offer:
    def __init__(self, host: str, port: int, model: str, rate: float, connections: int):
        self.where, self.rate, self.count = (host, port), rate, connections
        self.request = request_bytes("POST", "/v1/chat/completions", chat(model, max_tokens=1))
        self.over = threading.Event()
        self.answers: list = []
        self.failures: list = []

    def run(self, index: int, began: float) -> None:
        due = began + index / self.rate
        try:
            with Connection.to(*self.where) as connection:
                while not self.over.wait(max(0, due - time.monotonic())):
                    self.ask(connection)
                    due += self.count / self.rate
        except Exception as error:  # noqa: BLE001, handed to the test
            self.failures.append(repr(error))

    def ask(self, connection: Connection) -> None:
        sent = time.monotonic()
        connection.send(self.request)
        answer = connection.response()
        fields = {name: value for name, value in answer.fields if name in FIELDS or name.startswith("x-ratelimit-")}
        error = answer.json.get("error") if answer.status != 200 else None
        self.answers.append([sent, time.monotonic(), answer.status, fields, error])


def main() -> None:
    offer = Offer(**json.loads(sys.argv[1]))
    print("ready", flush=True)
    began = float(sys.stdin.readline())
    threads = [threading.Thread(target=offer.run, args=(index, began)) for index in range(offer.count)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    offer.over.set()
    for thread in threads:
        thread.join()
    json.dump({"answers": sorted(offer.answers), "failures": offer.failures}, sys.stdout)


if __name__ == "__main__":
    main()
